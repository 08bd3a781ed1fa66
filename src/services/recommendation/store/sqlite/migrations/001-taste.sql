CREATE TABLE book (
  id INTEGER PRIMARY KEY,
  version INTEGER NOT NULL,
  change_number INTEGER NOT NULL,
  json TEXT
);
CREATE UNIQUE INDEX book_by_change ON book (change_number);

CREATE TABLE liking (
  reader TEXT NOT NULL,
  book INTEGER NOT NULL,
  strength INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  PRIMARY KEY (reader, book, strength)
) WITHOUT ROWID;
CREATE INDEX liking_by_book ON liking (book, reader);

CREATE TABLE verdict (
  reader TEXT NOT NULL,
  book INTEGER NOT NULL,
  verdict TEXT NOT NULL,
  holds INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  tie_break TEXT NOT NULL,
  PRIMARY KEY (reader, book, verdict)
) WITHOUT ROWID;

CREATE TABLE search (
  reader TEXT NOT NULL,
  query TEXT NOT NULL,
  books TEXT NOT NULL,
  time_ms INTEGER NOT NULL,
  tie_break TEXT NOT NULL,
  PRIMARY KEY (reader, query)
) WITHOUT ROWID;

CREATE TABLE forgotten (
  reader_hash TEXT PRIMARY KEY,
  until_ms INTEGER NOT NULL
) WITHOUT ROWID;
