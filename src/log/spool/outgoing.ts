import { decodeHeaders, type NewRecord } from '../../events/record.ts';
import type { SqliteDatabase } from '../../sqlite/connection.ts';
import { bytesOf } from '../sqlite/group-commit.ts';
import { positionsPerTopic, readWaitingBytes } from './spool-file.ts';

/** A record on its way out of the spool. Its headers stay encoded, which is small, until it is sent. */
export type SpooledRecord = {
  readonly position: number;
  readonly bytes: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Uint8Array;
};

/** From this position on, the topic had so many partitions. */
export type Addressing = { readonly from: number; readonly partitions: number };

export type SpooledTopic = {
  readonly number: number;
  readonly name: string;
  /** The position of its first record ever. */
  readonly base: number;
};

/** The records that leave a spool; one relay uses it. Each change is one transaction. */
export type OutgoingRecords = {
  readonly topics: () => readonly SpooledTopic[];
  /** The first records from a position on: at least one if there is any. */
  readonly read: (topic: SpooledTopic, from: number, maxRecords: number, maxBytes: number) => readonly SpooledRecord[];
  readonly isEmpty: () => boolean;
  readonly waitingBytes: () => number;
  /** Removes what the cluster has acknowledged. Gaps between the positions make it slower. */
  readonly removeRelayed: (topic: SpooledTopic, records: readonly SpooledRecord[]) => void;
  /** Moves a record that was refused out of the queue, and keeps it with the reason. */
  readonly setAside: (topic: SpooledTopic, record: SpooledRecord, why: string, nowMs: number) => void;
  /** The arrival time of the first record from this position on; `null` when there is none. */
  readonly arrivalAt: (topic: SpooledTopic, from: number) => number | null;
  /**
   * Drops the first records from a position on, at most so many and so large, but at least one. @returns where the rest
   * begins.
   */
  readonly drop: (topic: SpooledTopic, from: number, mostRecords: number, mostBytes: number) => number;
  readonly addressings: (topic: SpooledTopic) => readonly Addressing[];
  /** Stores how many partitions the topic has, from now on or for the whole queue. Survives a power cut. */
  readonly address: (topic: SpooledTopic, partitions: number, from: 'beginning' | 'end') => void;
};

export function toRecord(topic: string, { key, value, headers }: SpooledRecord): NewRecord {
  return { topic, key, value, headers: decodeHeaders(headers) };
}

export function createOutgoingRecords(database: SqliteDatabase): OutgoingRecords {
  const select = database.prepare(
    'SELECT position, key, value, headers FROM record WHERE position >= ? AND position < ? ORDER BY position LIMIT ?',
  );
  const remove = database.prepare('DELETE FROM record WHERE position BETWEEN ? AND ?');
  select.setReturnArrays(true);

  /** Counts `count` records under this outcome, and takes `gone` rows and `bytes` bytes off what waits. */
  const countOut = (
    number: number,
    as: 'relayed' | 'dropped' | 'set_aside',
    count: number,
    gone: number,
    bytes: number,
  ) =>
    database
      .prepare(
        `UPDATE topic SET ${as} = ${as} + ?, waiting = waiting - ?, waiting_bytes = waiting_bytes - ? WHERE number = ?`,
      )
      .run(count, gone, bytes, number);

  const read: OutgoingRecords['read'] = ({ base }, from, maxRecords, maxBytes) => {
    const found: SpooledRecord[] = [];
    let total = 0;
    for (const row of select.iterate(from, base + positionsPerTopic, maxRecords) as unknown as Iterable<RecordRow>) {
      const [position, key, value, headers] = row;
      const bytes = bytesOf({ key, value, headers });
      total += bytes;
      if (found.length > 0 && total > maxBytes) break;
      found.push({ position, bytes, key, value, headers });
    }
    return found;
  };

  return {
    topics: () =>
      database
        .prepare('SELECT number, name FROM topic ORDER BY number')
        .all()
        .map(({ number, name }) => ({
          number: Number(number),
          name: String(name),
          base: Number(number) * positionsPerTopic,
        })),
    read,
    isEmpty: () => database.prepare('SELECT 1 FROM topic WHERE waiting > 0').get() === undefined,
    waitingBytes: () => readWaitingBytes(database),
    removeRelayed: ({ number }, records) =>
      database.transaction(() => {
        let gone = 0;
        for (const [first, last] of runsOf(records)) gone += Number(remove.run(first, last).changes);
        countOut(number, 'relayed', records.length, gone, totalBytes(records));
      }),
    setAside: ({ number }, { position, bytes }, why, nowMs) =>
      database.transaction(() => {
        database
          .prepare(
            `INSERT INTO set_aside SELECT position, arrived_ms, key, value, headers, ?, ? FROM record WHERE position = ?`,
          )
          .run(nowMs, why, position);
        countOut(number, 'set_aside', 1, Number(remove.run(position, position).changes), bytes);
      }),
    arrivalAt: ({ base }, from) => {
      const first = database
        .prepare('SELECT arrived_ms FROM record WHERE position >= ? AND position < ? ORDER BY position LIMIT 1')
        .get(from, base + positionsPerTopic);
      return first === undefined ? null : Number(first['arrived_ms']);
    },
    drop: (topic, from, mostRecords, mostBytes) =>
      database.transaction(() => {
        const records = read(topic, from, mostRecords, mostBytes);
        const next = (records.at(-1)?.position ?? from - 1) + 1;
        const { changes } = remove.run(from, next - 1);
        countOut(topic.number, 'dropped', records.length, Number(changes), totalBytes(records));
        return next;
      }),
    addressings: ({ number }) =>
      database
        .prepare('SELECT from_position, partitions FROM addressing WHERE topic = ? ORDER BY from_position')
        .all(number)
        .map((row) => ({ from: Number(row['from_position']), partitions: Number(row['partitions']) })),
    address: ({ number, base }, partitions, from) =>
      withFullSync(database, () => {
        if (from === 'beginning') database.prepare('DELETE FROM addressing WHERE topic = ?').run(number);
        const accepted = database.prepare('SELECT accepted FROM topic WHERE number = ?').get(number)!['accepted'];
        const position = from === 'beginning' ? base : base + Number(accepted);
        database.prepare('REPLACE INTO addressing VALUES (?, ?, ?)').run(number, position, partitions);
      }),
  };
}

type RecordRow = readonly [position: number, key: Uint8Array | null, value: Uint8Array | null, headers: Uint8Array];

/** First and last position of each run without a gap. */
function runsOf(records: readonly SpooledRecord[]): readonly (readonly [first: number, last: number])[] {
  const runs: [number, number][] = [];
  for (const { position } of records) {
    const run = runs.at(-1);
    if (run?.[1] === position - 1) run[1] = position;
    else runs.push([position, position]);
  }
  return runs;
}

function totalBytes(records: readonly SpooledRecord[]): number {
  return records.reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * The stored number must survive a power cut as surely as the records that were sent by it: their repeats must go to
 * the same partition.
 */
function withFullSync(database: SqliteDatabase, body: () => void): void {
  const before = Number(database.prepare('PRAGMA synchronous').get()!['synchronous']);
  database.prepare('PRAGMA synchronous = FULL').run();
  try {
    database.transaction(body);
  } finally {
    database.prepare(`PRAGMA synchronous = ${before}`).run();
  }
}
