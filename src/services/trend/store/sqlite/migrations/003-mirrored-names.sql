-- The names used in MySQL. The time of a query's latest answer stays in its own table: wider rows would cost every commit
-- more pages.
ALTER TABLE query RENAME COLUMN key TO query_key;
ALTER TABLE distinct_reader RENAME TO hourly_reader;

CREATE TABLE forgetting (
  id INTEGER PRIMARY KEY,
  done_up_to_hour INTEGER NOT NULL
);
INSERT INTO forgetting VALUES (1, -1);
