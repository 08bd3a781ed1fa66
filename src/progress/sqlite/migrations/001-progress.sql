CREATE TABLE projection (
  name TEXT PRIMARY KEY,
  version INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE instance (
  projection TEXT NOT NULL,
  instance TEXT NOT NULL,
  seen_ms INTEGER NOT NULL,
  PRIMARY KEY (projection, instance)
) WITHOUT ROWID;

CREATE TABLE position (
  projection TEXT NOT NULL,
  topic TEXT NOT NULL,
  partition INTEGER NOT NULL,
  topic_id TEXT NOT NULL,
  first INTEGER NOT NULL,
  next INTEGER NOT NULL,
  log_end INTEGER NOT NULL,
  arrived_ms INTEGER NOT NULL DEFAULT 0,
  fingerprint TEXT,
  applied INTEGER NOT NULL DEFAULT 0,
  duplicate INTEGER NOT NULL DEFAULT 0,
  dead INTEGER NOT NULL DEFAULT 0,
  late INTEGER NOT NULL DEFAULT 0,
  gap INTEGER NOT NULL DEFAULT 0,
  compacted INTEGER NOT NULL DEFAULT 0,
  instance TEXT,
  leased_until_ms INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (projection, topic, partition)
) WITHOUT ROWID;

CREATE TABLE producer_mark (
  projection TEXT NOT NULL,
  topic TEXT NOT NULL,
  partition INTEGER NOT NULL,
  source TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  arrived_ms INTEGER NOT NULL,
  PRIMARY KEY (projection, topic, partition, source)
) WITHOUT ROWID;

CREATE TABLE dead_letter (
  id INTEGER PRIMARY KEY,
  projection TEXT NOT NULL,
  topic TEXT NOT NULL,
  partition INTEGER NOT NULL,
  log_offset INTEGER NOT NULL,
  arrived_ms INTEGER NOT NULL,
  key BLOB,
  value BLOB,
  headers BLOB NOT NULL,
  reason TEXT NOT NULL,
  UNIQUE (projection, topic, partition, log_offset)
);
