import { DatabaseSync } from 'node:sqlite';
import { reason, SamsaError } from '../errors.ts';
import type {
  ApplyChanges,
  LeaseRequest,
  PartitionName,
  PartitionPosition,
  Progress,
  ProgressCommit,
  StartingPoint,
} from './progress.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import {
  adoptDiscarded,
  countDiscarded,
  countWaiting,
  keepDeadLetters,
  readDeadLetters,
  readDiscardedOffsets,
  settleDeadLetter,
} from './sqlite-dead-letters.ts';

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

type Connection = Pick<DatabaseSync, 'prepare'>;

/** Producers silent for longer than any topic with marks keeps its records are forgotten. */
const markLifeMs = 400 * 86_400_000;

/** Progress in the SQLite file that also holds the state; `apply` writes the state inside each commit. */
export function createSqliteProgress<Change>(
  database: SqliteDatabase,
  clock: () => number,
  apply: ApplyChanges<Change>,
): Progress<Change> {
  return {
    lease: async (request) => database.transaction(() => lease(database, request, clock())),
    release: async (projection, instance) =>
      database.transaction(() => {
        database
          .prepare('UPDATE position SET instance = NULL WHERE projection = ? AND instance = ?')
          .run(projection, instance);
        database.prepare('DELETE FROM instance WHERE projection = ? AND instance = ?').run(projection, instance);
      }),
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

/**
 * What stands in a state file, by projection, without joining in: for people who look at a shop from outside.
 * @throws SamsaError `data-folder-unusable` when the file cannot be read.
 */
export function readSqliteProgress(path: string): {
  readonly positions: ReadonlyMap<string, readonly PartitionPosition[]>;
  readonly deadLetters: ReadonlyMap<string, number>;
} {
  return reading(path, (connection) => {
    return { positions: readPositions(connection), deadLetters: countWaiting(connection) };
  });
}

/** Positions by projection, in the open transaction if there is one. */
export function readPositions(connection: Connection): ReadonlyMap<string, readonly PartitionPosition[]> {
  const rows = connection.prepare(`${selectPosition} ORDER BY projection, topic, partition`).all();
  const byProjection = Map.groupBy(rows, (row) => String(row['projection']));
  return new Map([...byProjection].map(([projection, of]) => [projection, of.map(decodePosition)]));
}

/**
 * What a state file says about one projection, and which others it holds, without joining in.
 * @throws SamsaError `data-folder-unusable` when the file cannot be read.
 */
export function lookInside(path: string, projection: string) {
  return reading(path, (connection) => {
    const versions = connection.prepare('SELECT name, version FROM projection').all();
    const instances = connection.prepare('SELECT instance FROM instance WHERE projection = ?').all(projection);
    return {
      positions: readPositions(connection).get(projection) ?? [],
      versions: new Map(versions.map(({ name, version }) => [String(name), Number(version)])),
      instances: instances.map(({ instance }) => String(instance)),
      discarded: countDiscarded(connection),
    };
  });
}

function reading<Result>(path: string, read: (connection: Connection) => Result): Result {
  try {
    const connection = new DatabaseSync(path, { readOnly: true, timeout: 1_000 });
    try {
      return read(connection);
    } finally {
      connection.close();
    }
  } catch (error) {
    throw new SamsaError('data-folder-unusable', `${path}: expected the state of a service, got: ${reason(error)}`, {
      cause: error,
    });
  }
}

function lease(database: SqliteDatabase, request: LeaseRequest, nowMs: number): readonly PartitionName[] {
  const { projection, instance } = request;
  checkVersion(database, request);
  addPositions(database, request);
  database
    .prepare('INSERT INTO instance VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seen_ms = excluded.seen_ms')
    .run(projection, instance, nowMs);
  database.prepare('DELETE FROM instance WHERE projection = ? AND seen_ms < ?').run(projection, nowMs - request.ttlMs);
  const instances = count(database, 'SELECT count(*) AS n FROM instance WHERE projection = ?', projection);
  const partitions = count(database, 'SELECT count(*) AS n FROM position WHERE projection = ?', projection);
  const share = Math.ceil(partitions / instances);
  const owned = () =>
    database
      .prepare('SELECT topic, partition FROM position WHERE projection = ? AND instance = ? ORDER BY topic, partition')
      .all(projection, instance)
      .map((row) => ({ topic: String(row['topic']), partition: Number(row['partition']) }));
  for (const partition of owned().slice(share)) giveBack(database, projection, partition);
  database
    .prepare('UPDATE position SET leased_until_ms = ? WHERE projection = ? AND instance = ?')
    .run(nowMs + request.ttlMs, projection, instance);
  claim(database, request, share - owned().length, nowMs);
  return owned();
}

function checkVersion(
  database: SqliteDatabase,
  { projection, version }: { readonly projection: string; readonly version: number },
): void {
  const stored = database.prepare('SELECT version FROM projection WHERE name = ?').get(projection)?.['version'];
  if (stored === version) return;
  if (stored === undefined) {
    database.prepare('INSERT INTO projection VALUES (?, ?)').run(projection, version);
    return;
  }
  const message = `${database.path}: expected the state of ${projection} version ${version}, found version ${String(stored)}.`;
  if (Number(stored) > version) {
    throw new SamsaError('state-too-new', `${message} A newer Samsa wrote it: run that version.`);
  }
  throw new SamsaError(
    'state-outdated',
    `${message} Stop the service and run samsa rebuild: it makes the state anew from the log.`,
  );
}

function addPositions(database: SqliteDatabase, request: LeaseRequest): void {
  const add = database.prepare(
    `INSERT INTO position (projection, topic, partition, topic_id, first, next, log_end) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET log_end = excluded.log_end WHERE excluded.log_end > log_end`,
  );
  for (const { topic, partition, topicId, start, end } of request.partitions) {
    add.run(request.projection, topic, partition, topicId, start, start, end);
  }
}

function giveBack(database: SqliteDatabase, projection: string, { topic, partition }: PartitionName): void {
  database
    .prepare('UPDATE position SET instance = NULL WHERE projection = ? AND topic = ? AND partition = ?')
    .run(projection, topic, partition);
}

function claim(database: SqliteDatabase, request: LeaseRequest, most: number, nowMs: number): void {
  if (most <= 0) return;
  database
    .prepare(
      `UPDATE position SET instance = ?, leased_until_ms = ? WHERE projection = ? AND (topic, partition) IN (
         SELECT topic, partition FROM position
         WHERE projection = ? AND (instance IS NULL OR leased_until_ms < ?) ORDER BY topic, partition LIMIT ?)`,
    )
    .run(request.instance, nowMs + request.ttlMs, request.projection, request.projection, nowMs, most);
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

function advance<Change>(database: SqliteDatabase, commit: ProgressCommit<Change>): boolean {
  const { outcomes } = commit;
  const { changes } = database
    .prepare(
      `UPDATE position SET next = ?, log_end = max(log_end, ?), arrived_ms = ?, fingerprint = coalesce(?, fingerprint),
         applied = applied + ?, duplicate = duplicate + ?, dead = dead + ?, late = late + ?, gap = gap + ?,
         compacted = compacted + ?
       WHERE projection = ? AND topic = ? AND partition = ? AND next = ? AND instance = ?`,
    )
    .run(
      commit.next,
      commit.end,
      commit.arrivedMs,
      commit.fingerprint,
      outcomes.applied,
      outcomes.duplicate,
      outcomes.dead,
      outcomes.late,
      outcomes.gap,
      outcomes.compacted,
      commit.projection,
      commit.topic,
      commit.partition,
      commit.expected,
      commit.instance,
    );
  return Number(changes) === 1;
}

/** The ledger stays balanced: the record is still accounted for once. */
function moveOutOfDead(
  database: SqliteDatabase,
  { projection, topic, partition }: PartitionName & { readonly projection: string },
  outcome: 'applied' | 'late',
): void {
  database
    .prepare(
      `UPDATE position SET dead = dead - 1, ${outcome} = ${outcome} + 1
       WHERE projection = ? AND topic = ? AND partition = ?`,
    )
    .run(projection, topic, partition);
}

function keepMarks<Change>(database: SqliteDatabase, commit: ProgressCommit<Change>): void {
  const keep = database.prepare(
    `INSERT INTO producer_mark VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET sequence = excluded.sequence, arrived_ms = excluded.arrived_ms`,
  );
  for (const [source, sequence] of commit.marks) {
    keep.run(commit.projection, commit.topic, commit.partition, source, sequence, commit.arrivedMs);
  }
}

/** The least arrival stamp among partitions with unread records; with none unread, the greatest one seen. */
function watermark(database: SqliteDatabase, projection: string): number {
  const row = database
    .prepare(
      `SELECT coalesce(min(CASE WHEN next < log_end THEN arrived_ms END), max(arrived_ms), 0) AS ms
       FROM position WHERE projection = ?`,
    )
    .get(projection);
  return Number(row?.['ms'] ?? 0);
}

const selectPosition = `SELECT projection, topic, partition, topic_id, first, next, log_end, arrived_ms, fingerprint,
  applied, duplicate, dead, late, gap, compacted, instance FROM position`;

function decodePosition(row: Record<string, unknown>): PartitionPosition {
  const number = (column: string): number => Number(row[column]);
  const textOrNull = (column: string): string | null => {
    const value = row[column];
    return typeof value === 'string' ? value : null;
  };
  return {
    topic: String(row['topic']),
    partition: number('partition'),
    topicId: String(row['topic_id']),
    first: number('first'),
    next: number('next'),
    end: number('log_end'),
    arrivedMs: number('arrived_ms'),
    fingerprint: textOrNull('fingerprint'),
    outcomes: {
      applied: number('applied'),
      duplicate: number('duplicate'),
      dead: number('dead'),
      late: number('late'),
      gap: number('gap'),
      compacted: number('compacted'),
    },
    instance: textOrNull('instance'),
  };
}

function count(database: SqliteDatabase, sql: string, projection: string): number {
  return Number(database.prepare(sql).get(projection)?.['n']);
}
