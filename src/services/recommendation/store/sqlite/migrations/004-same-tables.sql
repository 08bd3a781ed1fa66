-- The tables as MySQL has them, so that the same statements work on both. A reader is the first half of the SHA-256 of
-- their id, and a query is found by its SHA-256. `turn` holds the last change number of the books, the last day for
-- which old rows were removed, and the time of the last commit. Freed pages are overwritten, so that no reader's id is
-- left in the file.
PRAGMA secure_delete = ON;
CREATE TABLE turn (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO turn SELECT 'book', coalesce(max(change_number), 0) FROM book;
INSERT INTO turn SELECT 'committed', coalesce(max(ms), 0) FROM last_commit;
INSERT INTO turn VALUES ('old', -1);
DROP TABLE last_commit;

ALTER TABLE book RENAME COLUMN json TO content;

ALTER TABLE liking RENAME TO old_liking;
DROP INDEX liking_by_book;
CREATE TABLE liking (
  reader BLOB NOT NULL,
  book INTEGER NOT NULL,
  strength INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  PRIMARY KEY (reader, book, strength)
) WITHOUT ROWID;
INSERT INTO liking SELECT substr(sha256(reader), 1, 16), book, strength, time_ms FROM old_liking;
CREATE INDEX liking_by_book ON liking (book, reader);
DROP TABLE old_liking;

ALTER TABLE verdict RENAME TO old_verdict;
DROP INDEX wanted_by_book;
CREATE TABLE verdict (
  reader BLOB NOT NULL,
  book INTEGER NOT NULL,
  verdict TEXT NOT NULL,
  holds INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  tie_break TEXT NOT NULL,
  PRIMARY KEY (reader, book, verdict)
) WITHOUT ROWID;
INSERT INTO verdict SELECT substr(sha256(reader), 1, 16), book, verdict, holds, time_ms, tie_break FROM old_verdict;
CREATE INDEX wanted_by_book ON verdict (book, reader) WHERE verdict = 'wanted' AND holds = 1;
DROP TABLE old_verdict;

ALTER TABLE search RENAME TO old_search;
CREATE TABLE search (
  reader BLOB NOT NULL,
  query_hash BLOB NOT NULL,
  query TEXT NOT NULL,
  books TEXT NOT NULL,
  time_ms INTEGER NOT NULL,
  tie_break TEXT NOT NULL,
  PRIMARY KEY (reader, query_hash)
) WITHOUT ROWID;
INSERT INTO search SELECT substr(sha256(reader), 1, 16), sha256(query), query, books, time_ms, tie_break FROM old_search;
DROP TABLE old_search;

ALTER TABLE forgotten RENAME TO old_forgotten;
CREATE TABLE forgotten (reader BLOB PRIMARY KEY, until_ms INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO forgotten SELECT substr(unhex(reader_hash), 1, 16), until_ms FROM old_forgotten;
DROP TABLE old_forgotten;
PRAGMA secure_delete = OFF;
