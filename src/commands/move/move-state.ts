import { hash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { reason, SamsaError } from '../../errors.ts';
import type { EventLog } from '../../log/log.ts';
import { openConnection } from '../../mysql/connection.ts';
import type { DeadLetterBook } from '../../progress/dead-letter-book.ts';
import { differenceIn, hashesIn, type RowHashes } from '../../progress/mysql/open-state.ts';
import type { Outcomes, PartitionName, PartitionPosition } from '../../progress/progress.ts';
import type { Difference, StateReader } from '../../progress/state.ts';
import { openForReading, openSqliteStateReader } from '../../progress/sqlite/open-state.ts';
import { eachDeadLetter } from '../../projection/dead-letters.ts';
import { startReplay, type ReplayProgress } from '../../projection/replay.ts';
import { tablesToCompare, type Rebuildable } from '../state/compare-with-live.ts';
import { newOffset, type OldOffsets } from './copy-topics.ts';

export type StateMove<Change> = {
  /** The state of the old shop. */
  readonly path: string;
  readonly oldName: string;
  readonly target: Rebuildable<Change>;
  readonly oldLog: EventLog;
  readonly log: EventLog;
  readonly copied: ReadonlyMap<string, readonly OldOffsets[]>;
  readonly show: (progress: ReplayProgress) => void;
};

export type MovedState = {
  /** Rows that only one of both states has, by table; `null` when they cannot be compared. */
  readonly differences: readonly Difference[] | null;
  readonly incomparable: string | null;
  readonly before: Outcomes;
  readonly after: Outcomes;
};

/**
 * Builds a state from the moved topics, as far as the old state had read, and compares both row by row. If it is
 * stopped, the next call continues. The service reads the rest when it starts.
 */
export async function moveState<Change>(move: StateMove<Change>): Promise<MovedState> {
  const { path, oldName, target, log } = move;
  await using stack = new AsyncDisposableStack();
  const old = openSqliteStateReader(path);
  const positions = (await old.progress()).positions.get(oldName) ?? [];
  const store = await target.openState(target.location);
  stack.defer(() => store.close());
  await carryDiscarded(move, old, store);
  const replay = startReplay({ log, progress: store, projection: target.projection, clock: Date.now });
  stack.defer(replay.close);
  const upTo = positions.map(({ topic, partition, next }) => {
    return { topic, partition, next: newOffset(move.copied.get(topic)?.[partition] ?? [], next) };
  });
  await replay.readUpTo(upTo, move.show);
  const reached = await replay.positions();
  const isFurther = upTo.some((at) => reached.some((one) => isSamePartition(one, at) && one.next > at.next));
  const compared = isFurther ? incomparable('the new state has read more') : await compare(move, positions);
  return { ...compared, before: sumOf(positions), after: sumOf(reached) };
}

function isSamePartition(one: PartitionName, other: PartitionName): boolean {
  return one.topic === other.topic && one.partition === other.partition;
}

function incomparable(why: string): Pick<MovedState, 'differences' | 'incomparable'> {
  return { differences: null, incomparable: why };
}

/** Copies the decisions to discard, with the new offsets. Those about expired records are left out. */
async function carryDiscarded<Change>(
  { copied, oldName, target }: StateMove<Change>,
  old: StateReader,
  to: DeadLetterBook<Change>,
): Promise<void> {
  const letters = eachDeadLetter(old.deadLetters, { projection: oldName, status: 'discarded' });
  for await (const letter of letters) {
    const offsets = copied.get(letter.topic)?.[letter.partition] ?? [];
    const offset = newOffset(offsets, letter.offset);
    if (offsets[offset] !== letter.offset) continue;
    await to.adoptDiscarded([{ ...letter, projection: target.projection.name, offset }]);
  }
}

async function compare<Change>(
  { path, target, oldLog }: StateMove<Change>,
  positions: readonly PartitionPosition[],
): Promise<Pick<MovedState, 'differences' | 'incomparable'>> {
  if (target.location.kind !== 'mysql') throw new Error('expected a state in a database');
  const tables = await tablesToCompare(target, oldLog, positions);
  const there = tables('mysql');
  const connection = await openConnection(target.location, comparingTimeoutMs);
  const file = openForReading(path, 5_000);
  try {
    const differences: Difference[] = [];
    for (const [index, table] of tables('sqlite').entries()) {
      const found = await differenceIn(hashesInFile(file), hashesIn(connection), table, there[index]);
      if (found !== null) differences.push(found);
    }
    return { differences, incomparable: null };
  } catch (error) {
    if (error instanceof SamsaError) throw error;
    return incomparable(reason(error));
  } finally {
    file.close();
    await connection.quit();
  }
}

const comparingTimeoutMs = 600_000;

/** As `hashesIn` for a database, which hashes the rows itself. */
function hashesInFile(file: DatabaseSync): RowHashes {
  const hashesOf = function* hashesOf(table: Parameters<RowHashes['sums']>[0]): Iterable<string> {
    const rows = file.prepare(`SELECT row_text FROM (${table.rows('main')})`).iterate(...table.values);
    for (const row of rows) yield hash('md5', String(row['row_text']), 'hex');
  };
  return {
    sums: async (table) => {
      const sums = new Map<string, { rows: number; left: bigint; right: bigint }>();
      for (const one of hashesOf(table)) {
        const sum = sums.get(one.slice(0, 3)) ?? { rows: 0, left: 0n, right: 0n };
        sum.rows++;
        sum.left ^= BigInt(`0x${one.slice(0, 16)}`);
        sum.right ^= BigInt(`0x${one.slice(16)}`);
        sums.set(one.slice(0, 3), sum);
      }
      return new Map(Array.from(sums, ([bucket, { rows, left, right }]) => [bucket, `${rows}/${left}/${right}`]));
    },
    hashes: async (table, buckets) => {
      const wanted = new Set(buckets);
      return new Set([...hashesOf(table)].filter((one) => wanted.has(one.slice(0, 3))));
    },
  };
}

function sumOf(positions: readonly PartitionPosition[]): Outcomes {
  const sum = { applied: 0, duplicate: 0, dead: 0, late: 0, gap: 0, compacted: 0 };
  for (const { outcomes } of positions) {
    for (const name of Object.keys(sum) as (keyof Outcomes)[]) sum[name] += outcomes[name];
  }
  return sum;
}
