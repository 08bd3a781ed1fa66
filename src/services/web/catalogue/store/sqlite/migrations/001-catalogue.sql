-- Removed books keep their row, so that their id and version are never given again.

CREATE TABLE book (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  version INTEGER NOT NULL,
  removed INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  title TEXT NOT NULL,
  author TEXT NOT NULL,
  published_at TEXT,
  description TEXT,
  isbn TEXT,
  series TEXT,
  subjects TEXT NOT NULL,
  language TEXT,
  popularity INTEGER NOT NULL,
  title_key TEXT
);
CREATE INDEX book_removed ON book (removed) WHERE removed = 1;
CREATE INDEX book_by_isbn ON book (isbn) WHERE isbn IS NOT NULL;
CREATE INDEX book_by_title ON book (title_key) WHERE title_key IS NOT NULL;

CREATE TABLE book_source (
  source TEXT NOT NULL,
  source_id TEXT NOT NULL,
  book_id INTEGER NOT NULL,
  PRIMARY KEY (source, source_id)
) WITHOUT ROWID;
CREATE INDEX book_source_by_book ON book_source (book_id, source);

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  book_id INTEGER NOT NULL,
  version INTEGER NOT NULL,
  changed_ms INTEGER NOT NULL,
  book TEXT
);

CREATE TABLE relay_lease (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  owner TEXT NOT NULL,
  until_ms INTEGER NOT NULL
);
