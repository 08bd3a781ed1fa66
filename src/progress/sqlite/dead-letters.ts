import { deadLetterConditions } from '../dead-letter-conditions.ts';
import { DatabaseSync } from 'node:sqlite';
import { reason, SamsaError } from '../../errors.ts';
import { decodeHeaders, encodeHeaders } from '../../events/header-bytes.ts';
import type {
  AdoptedDeadLetter,
  DeadLetterCause,
  DeadLetterQuery,
  DeadLetterStatus,
  KeptDeadLetter,
  PartitionName,
  ProgressCommit,
  Settlement,
} from '../progress.ts';
import type { SqliteDatabase } from '../../sqlite/connection.ts';

/** A later migration of every projection's SQLite file: dead letters are decided about one by one. */
export const deadLetterDecisions = `
  ALTER TABLE dead_letter ADD COLUMN cause TEXT NOT NULL DEFAULT 'bad-event';
  ALTER TABLE dead_letter ADD COLUMN status TEXT NOT NULL DEFAULT 'waiting';
  ALTER TABLE dead_letter ADD COLUMN settled_ms INTEGER;
  CREATE INDEX dead_letter_by_status ON dead_letter (projection, status, id);
`;

type Connection = Pick<DatabaseSync, 'prepare'>;

const insert = `INSERT INTO dead_letter
    (projection, topic, partition, log_offset, arrived_ms, key, value, headers, cause, reason, status, settled_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;

/** Inside the open transaction; one that is there already keeps its status. */
export function keepDeadLetters<Change>(database: SqliteDatabase, commit: ProgressCommit<Change>): void {
  const { projection, topic, partition } = commit;
  for (const letter of commit.deadLetters) {
    keep(database, { ...letter, projection, topic, partition }, 'waiting', null);
  }
}

/** Inside the open transaction. */
export function adoptDiscarded(
  database: SqliteDatabase,
  letters: readonly AdoptedDeadLetter[],
  settledMs: number,
): void {
  for (const letter of letters) keep(database, letter, 'discarded', settledMs);
}

function keep(
  database: SqliteDatabase,
  letter: AdoptedDeadLetter,
  status: DeadLetterStatus,
  settledMs: number | null,
): void {
  const { projection, topic, partition, offset, timestamp, key, value, headers, cause, reason } = letter;
  database
    .prepare(insert)
    .run(
      projection,
      topic,
      partition,
      offset,
      timestamp,
      key,
      value,
      encodeHeaders(headers),
      cause,
      reason,
      status,
      settledMs,
    );
}

/**
 * Inside the open transaction.
 * @returns false when the letter does not wait.
 */
export function settleDeadLetter<Change>(
  database: SqliteDatabase,
  { projection, topic, partition, offset, become }: Settlement<Change>,
  nowMs: number,
): boolean {
  const at = [projection, topic, partition, offset] as const;
  const where = "projection = ? AND topic = ? AND partition = ? AND log_offset = ? AND status = 'waiting'";
  const { changes } =
    become.status === 'waiting'
      ? database
          .prepare(`UPDATE dead_letter SET cause = ?, reason = ? WHERE ${where}`)
          .run(become.cause, become.reason, ...at)
      : database
          .prepare(`UPDATE dead_letter SET status = ?, settled_ms = ? WHERE ${where}`)
          .run(become.status, nowMs, ...at);
  return Number(changes) === 1;
}

/** Also for a connection that only reads. */
export function readDeadLetters(connection: Connection, query: DeadLetterQuery): readonly KeptDeadLetter[] {
  const { where, values } = deadLetterConditions(query, 'partition');
  return connection
    .prepare(`SELECT * FROM dead_letter ${where} ORDER BY id LIMIT ?`)
    .all(...values, query.limit)
    .map(decodeLetter);
}

/** The dead letters of a state file, without joining in: for people who look at a shop from outside. */
export function openDeadLettersForReading(path: string): {
  /** @throws SamsaError `data-folder-unusable` when the file cannot be read. */
  readonly read: (query: DeadLetterQuery) => Promise<readonly KeptDeadLetter[]>;
  readonly close: () => void;
} {
  let connection: DatabaseSync | null = null;
  return {
    read: async (query) => {
      try {
        connection ??= new DatabaseSync(path, { readOnly: true, timeout: 1_000 });
        return readDeadLetters(connection, query);
      } catch (cause) {
        const message = `${path}: expected the state of a service, got: ${reason(cause)}`;
        throw new SamsaError('data-folder-unusable', message, { cause });
      }
    },
    close: () => connection?.close(),
  };
}

/** Offsets from a position on that were discarded before they are read. */
export function readDiscardedOffsets(
  database: SqliteDatabase,
  projection: string,
  { topic, partition, next }: PartitionName & { readonly next: number },
): ReadonlySet<number> {
  const rows = database
    .prepare(
      `SELECT log_offset FROM dead_letter
       WHERE projection = ? AND topic = ? AND partition = ? AND log_offset >= ? AND status = 'discarded'`,
    )
    .all(projection, topic, partition, next);
  return new Set(rows.map((row) => Number(row['log_offset'])));
}

/** How many wait for a decision, by projection. */
export function countWaiting(connection: Connection): ReadonlyMap<string, number> {
  const rows = connection
    .prepare("SELECT projection, count(*) AS n FROM dead_letter WHERE status = 'waiting' GROUP BY projection")
    .all();
  return new Map(rows.map((row) => [String(row['projection']), Number(row['n'])]));
}

/** How many were discarded, of all projections: decisions are never taken back. */
export function countDiscarded(connection: Connection): number {
  const row = connection.prepare("SELECT count(*) AS n FROM dead_letter WHERE status = 'discarded'").get();
  return Number(row?.['n']);
}

function decodeLetter(row: Record<string, unknown>): KeptDeadLetter {
  return {
    number: Number(row['id']),
    projection: String(row['projection']),
    topic: String(row['topic']),
    partition: Number(row['partition']),
    offset: Number(row['log_offset']),
    timestamp: Number(row['arrived_ms']),
    key: row['key'] as Uint8Array | null,
    value: row['value'] as Uint8Array | null,
    headers: decodeHeaders(row['headers'] as Uint8Array),
    cause: row['cause'] as DeadLetterCause,
    reason: String(row['reason']),
    status: row['status'] as DeadLetterStatus,
  };
}
