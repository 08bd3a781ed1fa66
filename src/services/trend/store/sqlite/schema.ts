import type { Migrations } from '../../../../sqlite/migrations.ts';

/** `query` is the number of a query in this file, `reader` the number of a reader (see `readerNumber`). */
const countsSchema = `
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
`;

/** Earlier versions also stored rows for the spelling that equals the key. */
const keysUnspelt = 'DELETE FROM spelling WHERE label = (SELECT key FROM query WHERE id = spelling.query)';

/**
 * The names used in MySQL. The time of a query's latest answer stays in its own table: wider rows would cost every
 * commit more pages.
 */
const mirroredNames = `
  ALTER TABLE query RENAME COLUMN key TO query_key;
  ALTER TABLE distinct_reader RENAME TO hourly_reader;

  CREATE TABLE forgetting (
    id INTEGER PRIMARY KEY,
    done_up_to_hour INTEGER NOT NULL
  );
  INSERT INTO forgetting VALUES (1, -1);
`;

/** `spelling_reader.reader` is a hash of the reader's number and the spelling. */
const leadsAndPlaces = `
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
`;

/** The hours that have counts, each with the number of the last commit that counted in it. */
const commitNumbers = `
  CREATE TABLE counted_hour (
    hour INTEGER PRIMARY KEY,
    commit_no INTEGER NOT NULL
  );
`;

export const countsMigrations = {
  name: 'trend',
  steps: [countsSchema, keysUnspelt, mirroredNames, leadsAndPlaces, commitNumbers],
} as const satisfies Migrations;
