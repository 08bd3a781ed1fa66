-- A reader becomes the first 48 bits of the SHA-256 of the id, signed, as in SQLite. The old table is made again where an
-- earlier run of this file has already removed it.
CREATE TABLE IF NOT EXISTS state.distinct_reader (
  hour BIGINT NOT NULL,
  query BIGINT NOT NULL,
  reader BINARY(16) NOT NULL,
  commit_no BIGINT NOT NULL,
  PRIMARY KEY (hour, query, reader)
) ENGINE = InnoDB;

-- `commit_no` is state.commit.id of the commit that added the row.
CREATE TABLE IF NOT EXISTS state.hourly_reader (
  hour BIGINT NOT NULL,
  query BIGINT NOT NULL,
  reader BIGINT NOT NULL,
  commit_no BIGINT NOT NULL,
  PRIMARY KEY (hour, query, reader),
  KEY by_commit (commit_no)
) ENGINE = InnoDB;

INSERT IGNORE INTO state.hourly_reader
  SELECT hour, query, CAST(CONV(HEX(LEFT(reader, 6)), 16, 10) AS SIGNED)
      - IF(ORD(LEFT(reader, 1)) >= 128, 281474976710656, 0), commit_no
    FROM state.distinct_reader;

DROP TABLE state.distinct_reader;

-- A spelling that equals the key has the searches that no other spelling has, and no rows.
DELETE spelling FROM state.spelling AS spelling JOIN state.query AS query ON query.id = spelling.query
  WHERE spelling.label = query.query_key;
