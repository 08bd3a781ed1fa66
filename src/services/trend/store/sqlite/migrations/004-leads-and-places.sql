-- `spelling_reader.reader` is a hash of the reader's number and the spelling.
ALTER TABLE hourly ADD COLUMN places INTEGER NOT NULL DEFAULT 0;
ALTER TABLE last_search ADD COLUMN answered_ms INTEGER NOT NULL DEFAULT -1;
ALTER TABLE spelling RENAME COLUMN searches TO readers;
ALTER TABLE spelling ADD COLUMN places INTEGER NOT NULL DEFAULT 0;

CREATE TABLE spelling_reader (
  hour INTEGER NOT NULL,
  query INTEGER NOT NULL,
  reader INTEGER NOT NULL,
  PRIMARY KEY (hour, query, reader)
) WITHOUT ROWID;

CREATE TABLE lead (
  day INTEGER NOT NULL,
  query INTEGER NOT NULL,
  book INTEGER NOT NULL,
  searches INTEGER NOT NULL,
  PRIMARY KEY (day, query, book)
) WITHOUT ROWID;

CREATE TABLE unanswered (
  hour INTEGER NOT NULL,
  query INTEGER NOT NULL,
  searches INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  PRIMARY KEY (hour, query)
) WITHOUT ROWID;

CREATE TABLE decision (
  key_hash BLOB NOT NULL,
  about TEXT NOT NULL,
  query_key TEXT NOT NULL,
  holds INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  tie_break TEXT NOT NULL,
  PRIMARY KEY (key_hash, about)
) WITHOUT ROWID;
