-- What the shop keeps of a book beside the columns of `books`, which belongs to its maker. A removed book has a row
-- here and none there. Version 0: a row of `books` that was marked as deleted before the shop ever sold it.
-- `givers` says which source gave which fields. `title_key` is half of a SHA-256; `text_crc` is the CRC-32 of title and author, by which a changed row is noticed.

CREATE TABLE IF NOT EXISTS state.book (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  removed TINYINT NOT NULL DEFAULT 0,
  created_at VARBINARY(40),
  published_at VARBINARY(16),
  isbn VARBINARY(13),
  series VARBINARY(800),
  subjects BLOB,
  language VARBINARY(100),
  popularity BIGINT NOT NULL DEFAULT 0,
  other_titles BLOB,
  givers BLOB,
  title_key BINARY(16),
  text_crc INT UNSIGNED NOT NULL DEFAULT 0,
  KEY book_removed (removed),
  KEY book_by_isbn (isbn),
  KEY book_by_title (title_key)
) ENGINE = InnoDB;

-- Which version of the rule the title keys follow, and up to which book they have been brought to the next one.
CREATE TABLE IF NOT EXISTS state.title_keys (
  id INT NOT NULL PRIMARY KEY,
  version INT NOT NULL,
  next_id BIGINT UNSIGNED NOT NULL
) ENGINE = InnoDB;

INSERT IGNORE INTO state.title_keys VALUES (1, 0, 1);
