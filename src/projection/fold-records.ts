import { hash } from 'node:crypto';
import type { DeadLetter, DeadLetterCause, Outcomes } from '../progress/progress.ts';
import { reason, SamsaError } from '../errors.ts';
import { decodeMark } from '../events/envelope.ts';
import type { StoredRecord } from '../events/record.ts';
import type { OffsetRange, ReadResult } from '../log/log.ts';
import type { ProjectionInput } from './projection.ts';

/** One read, folded, ready to be committed as a whole. */
export type FoldedRecords<Change> = {
  readonly next: number;
  /** Arrival of the last record; `null` when the read brought none. */
  readonly last: { readonly arrivedMs: number; readonly fingerprint: string } | null;
  readonly outcomes: Outcomes;
  readonly changes: readonly Change[];
  readonly deadLetters: readonly DeadLetter[];
  /** Sequences raised by these records. */
  readonly marks: ReadonlyMap<string, number>;
};

/** Where reading stands: the offset that must come next, the sequences applied so far, and offsets not to be folded. */
export type FoldedSoFar = {
  readonly next: number;
  readonly marks: ReadonlyMap<string, number>;
  readonly discarded: ReadonlySet<number>;
};

type Tally = { -readonly [Outcome in keyof Outcomes]: Outcomes[Outcome] };

/**
 * Folds one read into changes, pure. Every offset from `soFar.next` to the result's `next` gets exactly one outcome.
 * @returns `'jump'` when offsets are missing that neither expiry nor compaction nor the log itself explains; then
 *   nothing of this read may be applied.
 */
export function foldRecords<Change>(
  input: ProjectionInput<Change>,
  soFar: FoldedSoFar,
  read: ReadResult,
): FoldedRecords<Change> | 'jump' {
  const outcomes: Tally = { applied: 0, duplicate: 0, dead: 0, late: 0, gap: 0, compacted: 0 };
  const changes: Change[] = [];
  const deadLetters: DeadLetter[] = [];
  const marks = new Map<string, number>();
  const isExplained = input.compacted ? () => true : createGapCheck(read.skipped);
  let next = soFar.next;
  if (read.start > next) {
    outcomes[input.compacted ? 'compacted' : 'gap'] += read.start - next;
    next = read.start;
  }
  for (const record of read.records) {
    if (record.offset < next) continue;
    if (record.offset > next) {
      if (!isExplained(next, record.offset)) return 'jump';
      outcomes.compacted += record.offset - next;
    }
    next = record.offset + 1;
    if (input.repeats === 'dropped-by-sequence' && isRepeat(record, soFar.marks, marks)) {
      outcomes.duplicate++;
      continue;
    }
    if (soFar.discarded.has(record.offset)) {
      outcomes.dead++;
      continue;
    }
    foldOne(input, record, { outcomes, changes, deadLetters });
  }
  if (read.next > next) {
    if (!isExplained(next, read.next)) return 'jump';
    outcomes.compacted += read.next - next;
    next = read.next;
  }
  const last = read.records.at(-1);
  return {
    next,
    last: last === undefined ? null : { arrivedMs: last.timestamp, fingerprint: fingerprintOf(last) },
    outcomes,
    changes,
    deadLetters,
    marks,
  };
}

/** Joins two reads, the second of which was folded after the first. */
export function joinFolded<Change>(one: FoldedRecords<Change>, other: FoldedRecords<Change>): FoldedRecords<Change> {
  const outcomes: Tally = { ...one.outcomes };
  for (const outcome of Object.keys(outcomes) as (keyof Outcomes)[]) outcomes[outcome] += other.outcomes[outcome];
  return {
    next: other.next,
    last: other.last ?? one.last,
    outcomes,
    changes: [...one.changes, ...other.changes],
    deadLetters: [...one.deadLetters, ...other.deadLetters],
    marks: new Map([...one.marks, ...other.marks]),
  };
}

/** Whether the log lists all of an offset gap as skipped. Must be asked in the order of offsets. */
function createGapCheck(skipped: readonly OffsetRange[]): (from: number, to: number) => boolean {
  let index = 0;
  return (from, to) => {
    while (index < skipped.length && skipped[index]!.to < to) index++;
    return index < skipped.length && skipped[index]!.from <= from;
  };
}

/** Whether the producer's sequence was applied before; if not, it is remembered in `raised`. */
function isRepeat(record: StoredRecord, applied: ReadonlyMap<string, number>, raised: Map<string, number>): boolean {
  const mark = decodeMark(record.headers);
  if (mark === null) return false;
  if (mark.sequence <= (raised.get(mark.source) ?? applied.get(mark.source) ?? -1)) return true;
  raised.set(mark.source, mark.sequence);
  return false;
}

function foldOne<Change>(
  input: ProjectionInput<Change>,
  record: StoredRecord,
  into: { outcomes: Tally; changes: Change[]; deadLetters: DeadLetter[] },
): void {
  try {
    const change = input.fold(record);
    if (change === 'late') {
      into.outcomes.late++;
    } else {
      into.changes.push(change);
      into.outcomes.applied++;
    }
  } catch (error) {
    const { offset, timestamp, key, value, headers } = record;
    into.deadLetters.push({ offset, timestamp, key, value, headers: [...headers], ...whyDead(error) });
    into.outcomes.dead++;
  }
}

/** The cause and reason of a dead letter, from the error that folding threw. */
export function whyDead(error: unknown): { readonly cause: DeadLetterCause; readonly reason: string } {
  return { cause: error instanceof SamsaError ? error.code : 'unexpected', reason: reason(error) };
}

/** A hash that differs for another record at the same offset (docs/rules.md, C8). */
export function fingerprintOf(record: StoredRecord): string {
  const parts: Uint8Array[] = [Buffer.from(`${record.offset} ${record.timestamp} ${record.headers.length}`)];
  for (const bytes of [record.key, record.value, ...Array.from(record.headers, ([, value]) => value)]) {
    parts.push(Buffer.from(bytes === null ? '\n-' : `\n${bytes.byteLength} `), bytes ?? Buffer.alloc(0));
  }
  return hash('sha256', Buffer.concat(parts), 'base64url').slice(0, 22);
}
