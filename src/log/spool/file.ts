import { openSqlite, type SqliteDatabase, type SqliteOptions } from '../../sqlite/connection.ts';
import { SamsaError } from '../../errors.ts';
import type { Row } from '../sqlite/append-queue.ts';

/**
 * One queue per topic. A record's rowid is its topic's number · 2^40 + how many that topic had accepted before it. What
 * became of records is counted in the transaction in which it becomes true. `addressing` says with how many partitions
 * records are addressed from a position on: a repeat must meet the mark that its first attempt left in a partition.
 */
const steps: readonly string[] = [
  `CREATE TABLE topic (
     number INTEGER PRIMARY KEY,
     name TEXT NOT NULL UNIQUE,
     accepted INTEGER NOT NULL DEFAULT 0,
     relayed INTEGER NOT NULL DEFAULT 0,
     dropped INTEGER NOT NULL DEFAULT 0,
     set_aside INTEGER NOT NULL DEFAULT 0,
     waiting INTEGER NOT NULL DEFAULT 0,
     waiting_bytes INTEGER NOT NULL DEFAULT 0
   );

   CREATE TABLE record (
     position INTEGER PRIMARY KEY,
     arrived_ms INTEGER NOT NULL,
     key BLOB,
     value BLOB,
     headers BLOB NOT NULL
   );

   CREATE TABLE addressing (
     topic INTEGER NOT NULL REFERENCES topic (number),
     from_position INTEGER NOT NULL,
     partitions INTEGER NOT NULL,
     PRIMARY KEY (topic, from_position)
   ) WITHOUT ROWID;

   CREATE TABLE set_aside (
     position INTEGER PRIMARY KEY,
     arrived_ms INTEGER NOT NULL,
     key BLOB,
     value BLOB,
     headers BLOB NOT NULL,
     set_aside_ms INTEGER NOT NULL,
     why TEXT NOT NULL
   );`,
];

export const positionsPerTopic = 2 ** 40;

/** @throws SamsaError as `openSqlite`. */
export function openSpoolFile(path: string, options: Omit<SqliteOptions, 'migrations'>): SqliteDatabase {
  return openSqlite(path, { ...options, migrations: [{ name: 'spool', steps }] });
}

/** The end of the queues where records come in; one connection of the spool's process has it. */
export type SpoolBack = {
  /** Lets records of a topic in, from now on and for ever. */
  readonly addTopic: (name: string) => void;
  /** @throws SamsaError `topic-unknown`. */
  readonly numberOf: (topic: string) => number;
  /** In one transaction. */
  readonly write: (rows: readonly Row[]) => void;
  /** Counts records as accepted and dropped, in one transaction. */
  readonly drop: (rows: readonly Row[]) => void;
  readonly waitingBytes: () => number;
};

export function createSpoolBack(database: SqliteDatabase, clock: () => number): SpoolBack {
  const numbers = new Map<string, number>();
  const countIn = database.prepare(
    `UPDATE topic SET accepted = accepted + ?, waiting = waiting + ?, waiting_bytes = waiting_bytes + ?
     WHERE number = ? RETURNING accepted`,
  );
  const countDropped = database.prepare(
    'UPDATE topic SET accepted = accepted + ?, dropped = dropped + ? WHERE number = ?',
  );
  const insert = database.prepare('INSERT INTO record VALUES (?, ?, ?, ?, ?)');

  return {
    addTopic: (name) => {
      database.transaction(() =>
        database.prepare('INSERT INTO topic (name) VALUES (?) ON CONFLICT DO NOTHING').run(name),
      );
    },
    numberOf: (name) => {
      const number = numbers.get(name) ?? findTopic(database, name);
      numbers.set(name, number);
      return number;
    },
    write: (rows) => {
      database.transaction(() => {
        const arrivedMs = clock();
        for (const [number, ofTopic] of Map.groupBy(rows, (row) => row.number)) {
          const counted = countIn.get(ofTopic.length, ofTopic.length, totalBytes(ofTopic), number);
          let position = number * positionsPerTopic + Number(counted!['accepted']) - ofTopic.length;
          for (const { key, value, headers } of ofTopic) insert.run(position++, arrivedMs, key, value, headers);
        }
      });
    },
    drop: (rows) => {
      database.transaction(() => {
        for (const [number, { length }] of Map.groupBy(rows, (row) => row.number))
          countDropped.run(length, length, number);
      });
    },
    waitingBytes: () => readWaitingBytes(database),
  };
}

function findTopic(database: SqliteDatabase, name: string): number {
  const found = database.prepare('SELECT number FROM topic WHERE name = ?').get(name);
  if (found !== undefined) return Number(found['number']);
  throw new SamsaError(
    'topic-unknown',
    `${database.path}: expected a topic that exists, got ${JSON.stringify(name)}. Check mq.topic and mq.topics.*.`,
  );
}

export function readWaitingBytes(database: SqliteDatabase): number {
  return Number(database.prepare('SELECT total(waiting_bytes) AS bytes FROM topic').get()?.['bytes']);
}

/** What the spool's bound counts of a record. */
export function bytesOf({ key, value, headers }: Pick<Row, 'key' | 'value' | 'headers'>): number {
  return (key?.byteLength ?? 0) + (value?.byteLength ?? 0) + headers.byteLength;
}

export function totalBytes(rows: readonly Row[]): number {
  return rows.reduce((sum, row) => sum + bytesOf(row), 0);
}
