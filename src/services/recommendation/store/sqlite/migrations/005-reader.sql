-- Readers in the order in which what is known of them changed, for those who keep a copy of it.
CREATE TABLE reader (reader BLOB PRIMARY KEY, change_number INTEGER NOT NULL) WITHOUT ROWID;
CREATE UNIQUE INDEX reader_by_change ON reader (change_number);

INSERT INTO reader
  SELECT reader, row_number() OVER (ORDER BY reader)
  FROM (SELECT reader FROM liking UNION SELECT reader FROM verdict);

INSERT INTO turn SELECT 'reader', coalesce(max(change_number), 0) FROM reader;
