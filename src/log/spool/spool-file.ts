import { existsSync, readdirSync, mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { randomBytes } from 'node:crypto';
import { openSqlite, type SqliteDatabase, type SqliteOptions } from '../../sqlite/connection.ts';
import { storeError } from '../../sqlite/errors.ts';
import { takeFileLock } from '../../sqlite/file-lock.ts';
import { removeSqliteFile } from '../../sqlite/file.ts';
import { reason, SamsaError } from '../../errors.ts';

/**
 * One queue per topic. A record's rowid is its topic's number · 2^40 + the record's number in the topic, from 0.
 * Each outcome is counted in the transaction that causes it. `addressing` holds how many partitions a topic had, and
 * from which position on. A repeated record must go to the partition of its first attempt, because projections
 * recognise repeats by partition.
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

/**
 * What became of one topic's records in one spool: accepted = relayed + dropped + setAside + waiting, each counted
 * independently.
 */
export type SpoolLedger = {
  /** The spool's id: this process's own, or one that was left behind and is emptied here. */
  readonly spool: string;
  readonly topic: string;
  readonly accepted: number;
  /** Acknowledged by the cluster. */
  readonly relayed: number;
  /** Lost because too much waited. */
  readonly dropped: number;
  /** Refused by the cluster because of their content or size, and kept in the spool with the reason. */
  readonly setAside: number;
  readonly waiting: number;
  readonly waitingBytes: number;
  /** When the record that waits longest arrived, in milliseconds since 1970; `null` when none waits. */
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
  return spoolsIn(folder).flatMap(readSpool);
}

/** The paths of every spool in a folder, which may be missing. */
export function spoolsIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(spoolFileEnding));
  return names.toSorted().map((name) => join(folder, name));
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

/** Names the signal that records or topics have come into a spool. */
export function spoolSignalName(id: string): string {
  return `samsa spool ${id}`;
}

/** A spool locked for this owner until `release` or the end of this process. */
export type ClaimedSpool = {
  readonly id: string;
  readonly path: string;
  readonly release: () => void;
  /** Deletes the spool, which must be closed, and releases it. */
  readonly remove: () => void;
};

type SpoolFolder = {
  /** A spool that no process has locked, or a new one. @throws SamsaError `data-folder-unusable`. */
  readonly claimAny: () => ClaimedSpool;
  /** Locks every free spool, one after the other. @throws SamsaError `data-folder-unusable`. */
  readonly claimFree: () => Generator<ClaimedSpool>;
};

/**
 * The spools in one data folder: that of this process, and those that ended processes left: `<id>.sqlite`, each with a
 * lock file beside it.
 */
export function openSpoolFolder(folder: string, clock: () => number): SpoolFolder {
  const by = { command: 'the spool in front of Kafka', clock, patienceMs: 0 };

  const claim = (id: string, isNew: boolean): ClaimedSpool | null => {
    const path = join(folder, id + spoolFileEnding);
    const lockPath = join(folder, `${id}.lock`);
    const lock = takeFileLock(lockPath, by);
    if ('holder' in lock) return null;
    // Its owner may have emptied and deleted it meanwhile.
    if (!isNew && !existsSync(path)) {
      lock.release();
      return null;
    }
    const remove = (): void => {
      removeSqliteFile(path);
      rmSync(lockPath, { force: true });
      lock.release();
    };
    return { id, path, release: lock.release, remove };
  };

  function* claimFree(): Generator<ClaimedSpool> {
    for (const name of orUnusable(folder, () => readdirSync(folder)).toSorted()) {
      if (!name.endsWith(spoolFileEnding)) continue;
      const claimed = orUnusable(folder, () => claim(name.slice(0, -spoolFileEnding.length), false));
      if (claimed !== null) yield claimed;
    }
  }

  return {
    claimAny: () => {
      orUnusable(folder, () => mkdirSync(folder, { recursive: true, mode: 0o700 }));
      for (const free of claimFree()) return free;
      return orUnusable(folder, () => claim(randomBytes(6).toString('hex'), true))!;
    },
    claimFree,
  };
}

function orUnusable<Result>(folder: string, use: () => Result): Result {
  try {
    return use();
  } catch (error) {
    if (error instanceof SamsaError) throw error;
    throw new SamsaError(
      'data-folder-unusable',
      `${folder}: expected a folder for spools that this process can write to, got: ${reason(error)}. ` +
        'Fix that, or choose another folder with SAMSA_DATA.',
      { cause: error },
    );
  }
}
