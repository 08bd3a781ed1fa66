-- The hours that have counts, each with the number of the last commit that counted in it.
CREATE TABLE counted_hour (
  hour INTEGER PRIMARY KEY,
  commit_no INTEGER NOT NULL
);
