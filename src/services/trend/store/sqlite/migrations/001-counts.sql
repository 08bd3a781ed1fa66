-- `query` is the number of a query in this file, `reader` the number of a reader (see `readerNumber`).
CREATE TABLE query (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE
);

CREATE TABLE last_search (
  query INTEGER PRIMARY KEY,
  time_ms INTEGER NOT NULL
);

CREATE TABLE distinct_reader (
  hour INTEGER NOT NULL,
  query INTEGER NOT NULL,
  reader INTEGER NOT NULL,
  PRIMARY KEY (hour, query, reader)
) WITHOUT ROWID;

CREATE TABLE hourly (
  hour INTEGER NOT NULL,
  query INTEGER NOT NULL,
  readers INTEGER NOT NULL,
  anonymous INTEGER NOT NULL,
  searches INTEGER NOT NULL,
  PRIMARY KEY (hour, query)
) WITHOUT ROWID;

CREATE TABLE daily (
  day INTEGER NOT NULL,
  query INTEGER NOT NULL,
  readers INTEGER NOT NULL,
  anonymous INTEGER NOT NULL,
  searches INTEGER NOT NULL,
  PRIMARY KEY (day, query)
) WITHOUT ROWID;

CREATE TABLE spelling (
  day INTEGER NOT NULL,
  query INTEGER NOT NULL,
  label TEXT NOT NULL,
  searches INTEGER NOT NULL,
  PRIMARY KEY (day, query, label)
) WITHOUT ROWID;

CREATE TABLE answer (
  query INTEGER PRIMARY KEY,
  corrected TEXT,
  books BLOB NOT NULL
);
