-- Readers in the order in which what is known of them changed, for those who keep a copy of it.
CREATE TABLE IF NOT EXISTS state.reader (
  reader BINARY(16) NOT NULL PRIMARY KEY,
  change_number BIGINT NOT NULL,
  KEY by_change (change_number)
) ENGINE = InnoDB;

INSERT IGNORE INTO state.reader
  SELECT reader, ROW_NUMBER() OVER (ORDER BY reader)
  FROM (SELECT reader FROM state.liking UNION SELECT reader FROM state.verdict) AS known;

INSERT IGNORE INTO state.turn SELECT 'reader', COALESCE(MAX(change_number), 0) FROM state.reader;
