import { SamsaError } from '../../errors.ts';
import { decodePosition } from '../decode-position.ts';
import type { ApplyChanges, PartitionName, Progress, StartingPoint } from '../progress.ts';
import type { SqliteDatabase } from '../../sqlite/connection.ts';
import {
  adoptDiscarded,
  keepDeadLetters,
  readDeadLetters,
  readDiscardedOffsets,
  settleDeadLetter,
} from './dead-letters.ts';
import { checkVersion, leasePartitions, releasePartitions } from './leases.ts';
import { advance, keepMarks, moveOutOfDead, selectPosition, watermark } from './positions.ts';

/** The first migration of every projection's SQLite file. */
export const progressSchema = `
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
`;

/** Producers silent for longer than any topic with marks keeps its records are forgotten. */
const markLifeMs = 400 * 86_400_000;

/** Progress in the SQLite file that also holds the state; `apply` writes the state inside each commit. */
export function createSqliteProgress<Change>(
  database: SqliteDatabase,
  clock: () => number,
  apply: ApplyChanges<Change>,
): Progress<Change> {
  return {
    lease: async (request) => database.transaction(() => leasePartitions(database, request, clock())),
    release: async (projection, instance) =>
      database.transaction(() => releasePartitions(database, projection, instance)),
    load: async (projection, partition) => load(database, projection, partition, clock()),
    commit: async (commit) =>
      database.transaction(() => {
        if (!advance(database, commit)) return false;
        keepMarks(database, commit);
        keepDeadLetters(database, commit);
        apply(commit.changes, watermark(database, commit.projection), 'read');
        return true;
      }),
    positions: async (projection) =>
      database
        .prepare(`${selectPosition} WHERE projection = ? ORDER BY topic, partition`)
        .all(projection)
        .map(decodePosition),
    deadLetters: async (query) => readDeadLetters(database, query),
    settle: async (settlement) =>
      database.transaction(() => {
        const { projection, become } = settlement;
        if (!settleDeadLetter(database, settlement, clock())) return false;
        checkVersion(database, settlement);
        if (become.status !== 'redriven') return true;
        moveOutOfDead(database, settlement, become.change === 'late' ? 'late' : 'applied');
        if (become.change !== 'late') apply([become.change], watermark(database, projection), 'redriven');
        return true;
      }),
    adoptDiscarded: async (letters) => database.transaction(() => adoptDiscarded(database, letters, clock())),
  };
}

function load(
  database: SqliteDatabase,
  projection: string,
  { topic, partition }: PartitionName,
  nowMs: number,
): StartingPoint {
  const row = database
    .prepare(`${selectPosition} WHERE projection = ? AND topic = ? AND partition = ?`)
    .get(projection, topic, partition);
  if (row === undefined) {
    throw new SamsaError(
      'store-unavailable',
      `${database.path}: no position of ${projection} in ${topic}/${partition}`,
    );
  }
  const marks = new Map<string, number>();
  const stored = database.prepare(
    'SELECT source, sequence FROM producer_mark WHERE projection = ? AND topic = ? AND partition = ? AND arrived_ms > ?',
  );
  for (const mark of stored.iterate(projection, topic, partition, nowMs - markLifeMs)) {
    marks.set(String(mark['source']), Number(mark['sequence']));
  }
  const position = decodePosition(row);
  const discarded = readDiscardedOffsets(database, projection, position);
  return { ...position, marks, discarded };
}
