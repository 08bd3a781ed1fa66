-- Text is kept as bytes: names are compared as they are, blanks at the end included, and sort by code point.

CREATE TABLE IF NOT EXISTS state.projection (
  name VARBINARY(200) NOT NULL PRIMARY KEY,
  version INT NOT NULL
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS state.instance (
  projection VARBINARY(200) NOT NULL,
  instance VARBINARY(255) NOT NULL,
  seen_ms BIGINT NOT NULL,
  PRIMARY KEY (projection, instance)
) ENGINE = InnoDB;

-- `revision` rises with everything that is applied to a partition's state.
CREATE TABLE IF NOT EXISTS state.position (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  projection VARBINARY(200) NOT NULL,
  topic VARBINARY(255) NOT NULL,
  partition_no INT NOT NULL,
  topic_id VARBINARY(255) NOT NULL,
  first_offset BIGINT NOT NULL,
  next_offset BIGINT NOT NULL,
  log_end BIGINT NOT NULL,
  arrived_ms BIGINT NOT NULL DEFAULT 0,
  fingerprint VARBINARY(64),
  applied BIGINT NOT NULL DEFAULT 0,
  duplicate BIGINT NOT NULL DEFAULT 0,
  dead BIGINT NOT NULL DEFAULT 0,
  late BIGINT NOT NULL DEFAULT 0,
  gap BIGINT NOT NULL DEFAULT 0,
  compacted BIGINT NOT NULL DEFAULT 0,
  revision BIGINT NOT NULL DEFAULT 0,
  UNIQUE KEY by_name (projection, topic, partition_no)
) ENGINE = InnoDB;

-- Apart from the positions: a tick of the leases must never wait for a commit.
CREATE TABLE IF NOT EXISTS state.lease (
  position_id INT NOT NULL PRIMARY KEY,
  instance VARBINARY(255),
  leased_until_ms BIGINT NOT NULL,
  seen_end BIGINT NOT NULL
) ENGINE = InnoDB;

-- A source is whatever a producer wrote into its header, of any length.
CREATE TABLE IF NOT EXISTS state.mark (
  position_id INT NOT NULL,
  source_hash BINARY(32) NOT NULL,
  source MEDIUMBLOB NOT NULL,
  last_sequence BIGINT NOT NULL,
  arrived_ms BIGINT NOT NULL,
  PRIMARY KEY (position_id, source_hash)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS state.dead_letter (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  projection VARBINARY(200) NOT NULL,
  topic VARBINARY(255) NOT NULL,
  partition_no INT NOT NULL,
  log_offset BIGINT NOT NULL,
  arrived_ms BIGINT NOT NULL,
  record_key LONGBLOB,
  record_value LONGBLOB,
  headers LONGBLOB NOT NULL,
  cause VARBINARY(64) NOT NULL,
  reason MEDIUMBLOB NOT NULL,
  status VARBINARY(16) NOT NULL,
  settled_ms BIGINT,
  UNIQUE KEY by_offset (projection, topic, partition_no, log_offset),
  KEY by_status (projection, status, id)
) ENGINE = InnoDB;
