import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { SqliteDatabase } from '../../sqlite/connection.ts';
import type { Migration, Migrations } from '../../sqlite/migrations.ts';
import { SamsaError } from '../../errors.ts';
import type { TopicDescription, TopicFacts, TopicSettings } from '../log.ts';
import { unknownTopic } from '../topic-rules.ts';

/**
 * The log's schema. Partitions are numbered across all topics, and numbers are never used twice. Each partition has its
 * own table of records by offset, so that every append is at the right edge of a table, where SQLite adds pages without
 * touching the ones beside them (docs/decisions/013). A partition's row holds its start and end, which removing records
 * does not change. `latest` names the last record of each key below `compacted_to`, and when a tombstone was first
 * looked at (see `compactRecords`).
 */
const steps: readonly Migration[] = [
  `CREATE TABLE topic (
     id TEXT PRIMARY KEY,
     name TEXT NOT NULL UNIQUE,
     retention_ms INTEGER NOT NULL,
     compacted INTEGER NOT NULL
   ) WITHOUT ROWID;

   CREATE TABLE partition (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     topic_id TEXT NOT NULL REFERENCES topic (id),
     partition INTEGER NOT NULL,
     start_offset INTEGER NOT NULL DEFAULT 0,
     end_offset INTEGER NOT NULL DEFAULT 0,
     UNIQUE (topic_id, partition)
   );

   CREATE TABLE record (
     position INTEGER PRIMARY KEY,
     arrived_ms INTEGER NOT NULL,
     key BLOB,
     value BLOB,
     headers BLOB NOT NULL
   );`,
  `ALTER TABLE partition ADD COLUMN compacted_to INTEGER NOT NULL DEFAULT 0;

   CREATE TABLE latest (
     number INTEGER NOT NULL,
     key BLOB NOT NULL,
     position INTEGER NOT NULL,
     removed_ms INTEGER,
     PRIMARY KEY (number, key)
   ) WITHOUT ROWID;
   CREATE INDEX latest_removed ON latest (removed_ms) WHERE removed_ms IS NOT NULL;`,
  separatePartitions,
];

export const logMigrations = [{ name: 'log', steps }] as const satisfies readonly Migrations[];

/** The table with a partition's records. */
export function recordTable(partitionNumber: number): string {
  return `record_${partitionNumber}`;
}

function createRecordTable(partitionNumber: number): string {
  return `CREATE TABLE ${recordTable(partitionNumber)} (
    log_offset INTEGER PRIMARY KEY,
    arrived_ms INTEGER NOT NULL,
    key BLOB,
    value BLOB,
    headers BLOB NOT NULL
  )`;
}

/** Until version 2 all partitions were in one table, by number · 2^40 + offset. */
function separatePartitions(connection: DatabaseSync): void {
  const numbers = connection.prepare('SELECT number FROM partition').all();
  for (const number of numbers.map((row) => Number(row['number']))) {
    const first = number * 2 ** 40;
    connection.exec(
      `CREATE TABLE record_${number} (
         log_offset INTEGER PRIMARY KEY,
         arrived_ms INTEGER NOT NULL,
         key BLOB,
         value BLOB,
         headers BLOB NOT NULL
       )`,
    );
    connection
      .prepare(
        `INSERT INTO record_${number} SELECT position - ?, arrived_ms, key, value, headers FROM record
         WHERE position >= ? AND position < ? ORDER BY position`,
      )
      .run(first, first, first + 2 ** 40);
  }
  connection.exec(
    `UPDATE latest SET position = position - number * ${2 ** 40};
     ALTER TABLE latest RENAME COLUMN position TO log_offset;
     DROP TABLE record`,
  );
}

/** Each partition has a table, and opening the file reads the list of tables. */
const mostPartitions = 8_000;

export type SqliteTopic = {
  readonly id: string;
  /** The number of each partition across all topics, by its number in this one. */
  readonly numbers: readonly number[];
};

export type SqliteTopics = {
  /** A topic's id and partitions, which never change. @throws SamsaError `topic-unknown`. */
  readonly find: (name: string) => SqliteTopic;
  readonly describe: (name: string) => TopicDescription;
  /** In one transaction. */
  readonly create: (name: string, settings: TopicSettings) => void;
};

export function createSqliteTopics(database: SqliteDatabase): SqliteTopics {
  const found = new Map<string, SqliteTopic>();
  const rowsOf = (name: string) =>
    database
      .prepare(
        `SELECT id, number, start_offset AS start, end_offset AS end FROM topic JOIN partition ON topic_id = id
         WHERE name = ? ORDER BY partition`,
      )
      .all(name);
  const find = (name: string): SqliteTopic => {
    let topic = found.get(name);
    if (topic === undefined) {
      const rows = rowsOf(name);
      if (rows[0] === undefined) throw unknownTopic(database.path, name);
      topic = { id: String(rows[0]['id']), numbers: rows.map((row) => Number(row['number'])) };
      found.set(name, topic);
    }
    return topic;
  };
  return {
    find,
    describe: (name) => {
      const { id } = find(name);
      return { id, partitions: rowsOf(name).map(({ start, end }) => ({ start: Number(start), end: Number(end) })) };
    },
    create: (name, settings) => {
      checkSettings(name, settings);
      database.transaction(() => createTopic(database, name, settings));
    },
  };
}

function createTopic(database: SqliteDatabase, name: string, settings: TopicSettings): void {
  const id = randomUUID();
  const { changes } = database
    .prepare('INSERT INTO topic VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING')
    .run(id, name, settings.retentionMs, settings.compacted ? 1 : 0);
  if (Number(changes) === 0) return;
  const add = database.prepare('INSERT INTO partition (topic_id, partition) VALUES (?, ?) RETURNING number');
  for (let partition = 0; partition < settings.partitions; partition++) {
    const number = Number(add.get(id, partition)?.['number']);
    if (number > mostPartitions) {
      throw badTopic(name, `at most ${mostPartitions} partitions in one log`, settings.partitions);
    }
    database.prepare(createRecordTable(number)).run();
  }
}

function checkSettings(name: string, { partitions, retentionMs }: TopicSettings): void {
  if (!Number.isInteger(partitions) || partitions < 1) throw badTopic(name, 'at least one partition', partitions);
  if (!Number.isSafeInteger(retentionMs) || retentionMs < 0) {
    throw badTopic(name, 'retention as milliseconds, 0 for ever', retentionMs);
  }
}

function badTopic(name: string, expected: string, got: number): SamsaError {
  return new SamsaError('bad-configuration', `topic ${name}: expected ${expected}, got ${got}`);
}

/** How a topic is kept; `null` when there is no such topic. */
export function readTopicFacts(database: SqliteDatabase, name: string): TopicFacts | null {
  const row = database
    .prepare(
      `SELECT retention_ms, compacted, count(*) AS partitions FROM topic JOIN partition ON topic_id = id
       WHERE name = ? GROUP BY id`,
    )
    .get(name);
  if (row === undefined) return null;
  return {
    partitions: Number(row['partitions']),
    replication: null,
    retentionMs: Number(row['retention_ms']),
    compacted: row['compacted'] === 1,
  };
}
