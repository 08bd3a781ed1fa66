-- Hours and days are since 1970, UTC. Text is kept as bytes. `query` is state.query.id, which means nothing elsewhere.

-- Normalising may make a key longer than any index takes, so it is found by its SHA-256. `time_ms` is of its latest
-- answer, `answer_hash` tells whether a later one differs.
CREATE TABLE IF NOT EXISTS state.query (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  key_hash BINARY(32) NOT NULL,
  query_key BLOB NOT NULL,
  time_ms BIGINT NOT NULL,
  answer_hash BINARY(32) NOT NULL,
  UNIQUE KEY by_key (key_hash)
) ENGINE = InnoDB;

-- `reader` is the first half of the SHA-256 of a reader's id; `commit_no` is state.commit.id of the commit that added it.
CREATE TABLE IF NOT EXISTS state.distinct_reader (
  hour BIGINT NOT NULL,
  query BIGINT NOT NULL,
  reader BINARY(16) NOT NULL,
  commit_no BIGINT NOT NULL,
  PRIMARY KEY (hour, query, reader),
  KEY by_commit (commit_no)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS state.hourly (
  hour BIGINT NOT NULL,
  query BIGINT NOT NULL,
  readers BIGINT NOT NULL,
  anonymous BIGINT NOT NULL,
  searches BIGINT NOT NULL,
  PRIMARY KEY (hour, query)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS state.daily (
  day BIGINT NOT NULL,
  query BIGINT NOT NULL,
  readers BIGINT NOT NULL,
  anonymous BIGINT NOT NULL,
  searches BIGINT NOT NULL,
  PRIMARY KEY (day, query)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS state.spelling (
  day BIGINT NOT NULL,
  query BIGINT NOT NULL,
  label VARBINARY(1600) NOT NULL,
  searches BIGINT NOT NULL,
  PRIMARY KEY (day, query, label)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS state.answer (
  query BIGINT NOT NULL PRIMARY KEY,
  corrected VARBINARY(1600),
  books MEDIUMBLOB NOT NULL
) ENGINE = InnoDB;

-- What the latest commits of each partition added, as JSON; `total` is how many counts the partition's commits had.
CREATE TABLE IF NOT EXISTS state.commit (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  position_id INT NOT NULL,
  revision BIGINT NOT NULL,
  counts LONGBLOB NOT NULL,
  total BIGINT NOT NULL,
  UNIQUE KEY by_revision (position_id, revision),
  KEY by_total (position_id, total)
) ENGINE = InnoDB;

-- One row, locked by the process that removes old rows: up to which hour nothing is left to remove.
CREATE TABLE IF NOT EXISTS state.forgetting (
  id INT NOT NULL PRIMARY KEY,
  done_up_to_hour BIGINT NOT NULL
) ENGINE = InnoDB;

INSERT IGNORE INTO state.forgetting VALUES (1, -1);
