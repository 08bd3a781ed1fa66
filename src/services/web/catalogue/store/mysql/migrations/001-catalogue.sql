-- Where the tutorial's service has made `books` already, it stays as it is; books-table.mysql.ts adds our columns.

CREATE TABLE IF NOT EXISTS books (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  title LONGTEXT,
  author LONGTEXT,
  published_at LONGTEXT,
  description LONGTEXT,
  created_at DATETIME(3)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4;

-- So that a version is never given again to a book that comes back. `created_at` is RFC 3339.
CREATE TABLE IF NOT EXISTS catalogue_removed_book (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  created_at VARBINARY(40)
) ENGINE = InnoDB;

-- An id in a source may be of any length: of a long one its SHA-256 is kept. Short ones as they are, so that the rows of
-- one list lie beside each other.
CREATE TABLE IF NOT EXISTS catalogue_book_source (
  source VARBINARY(400) NOT NULL,
  source_key VARBINARY(64) NOT NULL,
  book_id BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (source, source_key),
  KEY by_book (book_id, source)
) ENGINE = InnoDB;

-- `book` is JSON; NULL: removed.
CREATE TABLE IF NOT EXISTS catalogue_outbox (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  book_id BIGINT UNSIGNED NOT NULL,
  version BIGINT NOT NULL,
  changed_ms BIGINT NOT NULL,
  book MEDIUMBLOB
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS catalogue_relay_lease (
  id INT NOT NULL PRIMARY KEY,
  owner VARBINARY(255) NOT NULL,
  until_ms BIGINT NOT NULL
) ENGINE = InnoDB;

INSERT IGNORE INTO catalogue_relay_lease VALUES (1, '', 0);
