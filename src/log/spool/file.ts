import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openSqlite, type SqliteDatabase, type SqliteOptions } from '../../sqlite/connection.ts';
import { storeError } from '../../sqlite/errors.ts';
import type { Row } from '../sqlite/group-commit.ts';

/**
 * One queue per topic. A record's rowid is its topic's number · 2^40 + how many records that topic had accepted before.
 * What became of a record is counted in the transaction that makes it true. `addressing` says how many partitions a topic
 * had when records from a position on were addressed: a repeated record must go to the partition of its first attempt,
 * where projections recognise it.
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
export const spoolFileEnding = '.sqlite';

/** @throws SamsaError as `openSqlite`. */
export function openSpoolFile(path: string, options: Omit<SqliteOptions, 'migrations'>): SqliteDatabase {
  return openSqlite(path, { ...options, migrations: [{ name: 'spool', steps }] });
}

/** What became of one topic's records in one spool: accepted = relayed + dropped + setAside + waiting, each counted by itself. */
export type SpoolLedger = {
  /** The spool's id: this process's own, or one that was left behind and is emptied here. */
  readonly spool: string;
  readonly topic: string;
  readonly accepted: number;
  /** Acknowledged by the cluster. */
  readonly relayed: number;
  /** Lost because too much waited. */
  readonly dropped: number;
  /** Refused by the cluster for what they are, and kept in the spool with the reason. */
  readonly setAside: number;
  readonly waiting: number;
  readonly waitingBytes: number;
  /** When the record came that waits longest, in milliseconds since 1970; `null` when none waits. */
  readonly oldestMs: number | null;
};

/** Whether every record that was accepted is accounted for. */
export function isBalanced({ accepted, relayed, dropped, setAside, waiting }: SpoolLedger): boolean {
  return accepted === relayed + dropped + setAside + waiting;
}

export function readSpoolLedger(database: Pick<SqliteDatabase, 'prepare'>, spool: string): readonly SpoolLedger[] {
  const rows = database
    .prepare(
      `SELECT name, accepted, relayed, dropped, set_aside, waiting, waiting_bytes,
         (SELECT arrived_ms FROM record WHERE position >= number * ${positionsPerTopic}
            AND position < (number + 1) * ${positionsPerTopic} ORDER BY position LIMIT 1) AS oldest_ms
       FROM topic ORDER BY name`,
    )
    .all();
  return rows.map((row) => ({
    spool,
    topic: String(row['name']),
    accepted: Number(row['accepted']),
    relayed: Number(row['relayed']),
    dropped: Number(row['dropped']),
    setAside: Number(row['set_aside']),
    waiting: Number(row['waiting']),
    waitingBytes: Number(row['waiting_bytes']),
    oldestMs: row['oldest_ms'] === null ? null : Number(row['oldest_ms']),
  }));
}

/**
 * The ledgers of every spool in a folder, also those of running processes, without taking them over.
 * @throws SamsaError as `openSqlite` when one cannot be read.
 */
export function readSpools(folder: string): readonly SpoolLedger[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(spoolFileEnding));
  return names.toSorted().flatMap((name) => readSpool(join(folder, name)));
}

function readSpool(path: string): readonly SpoolLedger[] {
  try {
    const connection = new DatabaseSync(path, { readOnly: true, timeout: 1_000 });
    try {
      return readSpoolLedger(connection, basename(path, spoolFileEnding));
    } finally {
      connection.close();
    }
  } catch (error) {
    // A running process deletes a spool that was left behind as soon as it is empty.
    if (!existsSync(path)) return [];
    throw storeError(path, error);
  }
}

export function readWaitingBytes(database: SqliteDatabase): number {
  return Number(database.prepare('SELECT total(waiting_bytes) AS bytes FROM topic').get()?.['bytes']);
}

/** What a record counts towards the bound of its spool. */
export function bytesOf({ key, value, headers }: Pick<Row, 'key' | 'value' | 'headers'>): number {
  return (key?.byteLength ?? 0) + (value?.byteLength ?? 0) + headers.byteLength;
}

export function totalBytes(rows: readonly Row[]): number {
  return rows.reduce((sum, row) => sum + bytesOf(row), 0);
}
