-- The same tables and columns as in MySQL.
ALTER TABLE position RENAME TO old_position;

CREATE TABLE position (
  id INTEGER PRIMARY KEY,
  projection TEXT NOT NULL,
  topic TEXT NOT NULL,
  partition_no INTEGER NOT NULL,
  topic_id TEXT NOT NULL,
  first_offset INTEGER NOT NULL,
  next_offset INTEGER NOT NULL,
  log_end INTEGER NOT NULL,
  arrived_ms INTEGER NOT NULL DEFAULT 0,
  fingerprint TEXT,
  applied INTEGER NOT NULL DEFAULT 0,
  duplicate INTEGER NOT NULL DEFAULT 0,
  dead INTEGER NOT NULL DEFAULT 0,
  late INTEGER NOT NULL DEFAULT 0,
  gap INTEGER NOT NULL DEFAULT 0,
  compacted INTEGER NOT NULL DEFAULT 0,
  revision INTEGER NOT NULL DEFAULT 0,
  UNIQUE (projection, topic, partition_no)
);

INSERT INTO position (projection, topic, partition_no, topic_id, first_offset, next_offset, log_end, arrived_ms,
    fingerprint, applied, duplicate, dead, late, gap, compacted)
  SELECT projection, topic, partition, topic_id, first, next, log_end, arrived_ms,
    fingerprint, applied, duplicate, dead, late, gap, compacted
  FROM old_position ORDER BY projection, topic, partition;

CREATE TABLE lease (
  position_id INTEGER PRIMARY KEY,
  instance TEXT,
  leased_until_ms INTEGER NOT NULL,
  seen_end INTEGER NOT NULL
);

INSERT INTO lease
  SELECT position.id, old.instance, old.leased_until_ms, 0 FROM position JOIN old_position AS old
    ON old.projection = position.projection AND old.topic = position.topic AND old.partition = position.partition_no;

CREATE TABLE mark (
  position_id INTEGER NOT NULL,
  source_hash BLOB NOT NULL,
  source TEXT NOT NULL,
  last_sequence INTEGER NOT NULL,
  arrived_ms INTEGER NOT NULL,
  PRIMARY KEY (position_id, source_hash)
) WITHOUT ROWID;

INSERT INTO mark
  SELECT position.id, sha256(source), source, sequence, old.arrived_ms FROM position JOIN producer_mark AS old
    ON old.projection = position.projection AND old.topic = position.topic AND old.partition = position.partition_no;

DROP TABLE old_position;
DROP TABLE producer_mark;
ALTER TABLE dead_letter RENAME COLUMN partition TO partition_no;
ALTER TABLE dead_letter RENAME COLUMN key TO record_key;
ALTER TABLE dead_letter RENAME COLUMN value TO record_value;
