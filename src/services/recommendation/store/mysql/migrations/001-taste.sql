-- Times are ms since 1970. Text is kept as bytes. `reader` is the first half of the SHA-256 of a reader's id.

-- Removed books are remembered with their version and without text, so that an older change cannot bring them back.
CREATE TABLE IF NOT EXISTS state.book (
  id BIGINT NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  change_number BIGINT NOT NULL,
  content MEDIUMBLOB,
  KEY by_change (change_number)
) ENGINE = InnoDB;

-- A row per strength, so that forgetting can take away exactly what happened before it.
CREATE TABLE IF NOT EXISTS state.liking (
  reader BINARY(16) NOT NULL,
  book BIGINT NOT NULL,
  strength INT NOT NULL,
  time_ms BIGINT NOT NULL,
  PRIMARY KEY (reader, book, strength),
  KEY by_book (book, reader),
  KEY by_time (time_ms)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS state.verdict (
  reader BINARY(16) NOT NULL,
  book BIGINT NOT NULL,
  verdict VARBINARY(16) NOT NULL,
  holds TINYINT NOT NULL,
  time_ms BIGINT NOT NULL,
  tie_break MEDIUMBLOB NOT NULL,
  PRIMARY KEY (reader, book, verdict),
  KEY by_book (book, verdict, holds, reader),
  KEY by_time (time_ms)
) ENGINE = InnoDB;

-- A query may be longer than any index takes, so it is found by its SHA-256.
CREATE TABLE IF NOT EXISTS state.search (
  reader BINARY(16) NOT NULL,
  query_hash BINARY(32) NOT NULL,
  query MEDIUMBLOB NOT NULL,
  books BLOB NOT NULL,
  time_ms BIGINT NOT NULL,
  tie_break MEDIUMBLOB NOT NULL,
  PRIMARY KEY (reader, query_hash),
  KEY by_time (time_ms)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS state.forgotten (
  reader BINARY(16) NOT NULL PRIMARY KEY,
  until_ms BIGINT NOT NULL,
  KEY by_time (until_ms)
) ENGINE = InnoDB;

-- Rows that transactions lock to take turns. `forgotten`: shared by those who store what readers did, exclusive for those who
-- forgets a reader. `book`: the last change number; it is locked until the commit, so numbers become visible in their
-- order. `old`: the last day, since 1970, of which nothing is left to remove.
CREATE TABLE IF NOT EXISTS state.turn (
  name VARBINARY(16) NOT NULL PRIMARY KEY,
  value BIGINT NOT NULL
) ENGINE = InnoDB;

INSERT IGNORE INTO state.turn VALUES ('forgotten', 0), ('book', 0), ('old', -1);
