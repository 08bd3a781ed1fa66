-- A server does not undo half a file, so a column is only added where it is missing.
SET @change = (SELECT IF(COUNT(*) = 0, 'ALTER TABLE state.hourly ADD COLUMN places BIGINT NOT NULL DEFAULT 0', 'DO 0')
  FROM information_schema.columns WHERE table_schema = DATABASE()
  AND table_name = TRIM(BOTH '`' FROM 'state.hourly') AND column_name = 'places');
PREPARE change_table FROM @change;
EXECUTE change_table;

SET @change = (SELECT IF(COUNT(*) = 0, 'ALTER TABLE state.query ADD COLUMN answered_ms BIGINT NOT NULL DEFAULT -1', 'DO 0')
  FROM information_schema.columns WHERE table_schema = DATABASE()
  AND table_name = TRIM(BOTH '`' FROM 'state.query') AND column_name = 'answered_ms');
PREPARE change_table FROM @change;
EXECUTE change_table;

-- Spellings are counted by readers, each once an hour.
SET @change = (SELECT IF(COUNT(*) = 0, 'ALTER TABLE state.spelling CHANGE searches readers BIGINT NOT NULL, ADD COLUMN places BIGINT NOT NULL DEFAULT 0', 'DO 0')
  FROM information_schema.columns WHERE table_schema = DATABASE()
  AND table_name = TRIM(BOTH '`' FROM 'state.spelling') AND column_name = 'places');
PREPARE change_table FROM @change;
EXECUTE change_table;
DEALLOCATE PREPARE change_table;

-- `reader` is a hash of the reader's number and the spelling.
CREATE TABLE IF NOT EXISTS state.spelling_reader (
  hour BIGINT NOT NULL,
  query BIGINT NOT NULL,
  reader BIGINT NOT NULL,
  commit_no BIGINT NOT NULL,
  PRIMARY KEY (hour, query, reader),
  KEY by_commit (commit_no)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS state.lead (
  day BIGINT NOT NULL,
  query BIGINT NOT NULL,
  book BIGINT NOT NULL,
  searches BIGINT NOT NULL,
  PRIMARY KEY (day, query, book)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS state.unanswered (
  hour BIGINT NOT NULL,
  query BIGINT NOT NULL,
  searches BIGINT NOT NULL,
  last_ms BIGINT NOT NULL,
  PRIMARY KEY (hour, query)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS state.decision (
  key_hash BINARY(32) NOT NULL,
  about VARBINARY(16) NOT NULL,
  query_key BLOB NOT NULL,
  holds BIGINT NOT NULL,
  time_ms BIGINT NOT NULL,
  tie_break VARBINARY(1024) NOT NULL,
  PRIMARY KEY (key_hash, about)
) ENGINE = InnoDB;
