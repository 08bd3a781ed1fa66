import { hash } from 'node:crypto';
import { change, columnText, rows, write, type SqlValue, type Steps } from '../../../sql/statements.ts';
import type { TasteChange } from '../recommendation-projection.ts';
import type { BookChanged } from '../../../events/book-changed.ts';
import {
  bookTable,
  forgottenTable,
  likingTable,
  readerHash,
  readerTable,
  readerTables,
  searchTable,
  textOf,
  verdictTable,
} from './taste-tables.ts';
import { topicRetention } from '../../../events/topics.ts';
import { dayMs, hourMs } from '../../../runtime/time.ts';

/** How instances that share a database take turns. */
export type TasteTurns = {
  /** Called before anything is stored: while a reader is being forgotten, no other instance stores anything. */
  readonly keeping: (isForgetting: boolean) => Steps<void>;
  /** @returns false when another instance is removing old rows now. */
  readonly forgettingOld: () => Steps<boolean>;
};

/**
 * How exactly the time of the last commit is stored: coarsely, so that commits of several instances do not wait for
 * each other.
 */
const committedStepMs = hourMs;

/**
 * What a commit does to the state.
 * @param turns null where every commit has the database to itself.
 */
export function* applyTaste(
  changes: readonly TasteChange[],
  { watermarkMs, nowMs }: { readonly watermarkMs: number; readonly nowMs: number },
  turns: TasteTurns | null,
): Steps<void> {
  const touched: Uint8Array[] = [];
  if (changes.some(({ kind }) => kind !== 'book')) {
    if (turns !== null) yield* turns.keeping(changes.some(({ kind }) => kind === 'forgotten'));
    touched.push(...(yield* keepTaste(changes)));
  }
  const values = new Map(
    (yield* rows("SELECT name, value FROM state.turn WHERE name IN ('old', 'committed')")).map((row) => [
      columnText(row['name']),
      Number(row['value']),
    ]),
  );
  if (isForgettingDue(watermarkMs, values.get('old')!) && (turns === null || (yield* turns.forgettingOld()))) {
    touched.push(...(yield* forgetOldTaste(watermarkMs)));
  }
  if (nowMs - values.get('committed')! >= committedStepMs) {
    yield* change("UPDATE state.turn SET value = ? WHERE name = 'committed'", [nowMs]);
  }
  yield* numberReaders(touched);
  const books = changes.filter((one) => one.kind === 'book');
  yield* keepBooks(books.map((one) => one.change));
}

type Of<Kind extends TasteChange['kind']> = Extract<TasteChange, { readonly kind: Kind }>;

/**
 * Stores what readers did, inside a commit, unless they have asked to be forgotten.
 * @returns the readers whose books changed.
 */
function* keepTaste(changes: readonly TasteChange[]): Steps<readonly Buffer[]> {
  const hashes = hashesOf(changes);
  yield* forgetReaders(
    changes.filter((one) => one.kind === 'forgotten'),
    hashes,
  );
  const isForgotten = yield* readForgotten(hashes);
  const likings: (readonly [Buffer, number, number, number])[] = [];
  const verdicts: (readonly [Buffer, number, string, number, number, string])[] = [];
  const searches: (readonly [Buffer, Buffer, string, string, number, string])[] = [];
  for (const one of changes) {
    if (one.kind === 'book' || one.kind === 'forgotten' || isForgotten(one)) continue;
    const reader = hashes.get(one.reader)!;
    if (one.kind === 'liked') likings.push([reader, one.bookId, one.strength, one.time]);
    else if (one.kind === 'judged') {
      verdicts.push([reader, one.bookId, one.verdict, one.holds ? 1 : 0, one.time, one.tieBreak]);
    } else {
      const found = JSON.stringify(one.bookIds);
      searches.push([reader, hash('sha256', one.query, 'buffer'), one.query, found, one.time, one.tieBreak]);
    }
  }
  if (likings.length > 0) yield* write(likingTable, likings);
  if (verdicts.length > 0) yield* write(verdictTable, verdicts);
  if (searches.length > 0) yield* write(searchTable, searches);
  const touched = changes.flatMap((one) => (one.kind === 'book' || one.kind === 'searched' ? [] : [one.reader]));
  return Array.from(new Set(touched), (reader) => hashes.get(reader)!);
}

function hashesOf(changes: readonly TasteChange[]): ReadonlyMap<string, Buffer> {
  const readers = new Set(changes.flatMap((one) => (one.kind === 'book' ? [] : [one.reader])));
  return new Map(Array.from(readers, (reader) => [reader, readerHash(reader)]));
}

function* forgetReaders(forgetting: readonly Of<'forgotten'>[], hashes: ReadonlyMap<string, Buffer>): Steps<void> {
  if (forgetting.length === 0) return;
  yield* write(
    forgottenTable,
    forgetting.map(({ reader, time }) => [hashes.get(reader)!, time]),
  );
  for (const { reader, time } of forgetting) {
    for (const { name } of readerTables) {
      yield* change(`DELETE FROM state.${name} WHERE reader = ? AND time_ms <= ?`, [hashes.get(reader)!, time]);
    }
  }
}

/** @returns a function that says whether a reader has asked to forget what they did at that time. */
function* readForgotten(
  hashes: ReadonlyMap<string, Buffer>,
): Steps<(did: { readonly reader: string; readonly time: number }) => boolean> {
  if (hashes.size === 0) return () => false;
  const stored = yield* rows('SELECT reader, until_ms FROM state.forgotten WHERE reader IN (?)', [
    [...hashes.values()],
  ]);
  if (stored.length === 0) return () => false;
  const untilOf = new Map(stored.map((row) => [textOf(row['reader'] as Uint8Array), Number(row['until_ms'])]));
  return ({ reader, time }) => time <= (untilOf.get(textOf(hashes.get(reader)!)) ?? Number.NEGATIVE_INFINITY);
}

/**
 * Gives new change numbers to the readers whose books changed. Call it at the end of a commit: other commits then wait
 * here. So a follower that has read up to a change number has missed none below it.
 */
function* numberReaders(readers: readonly Uint8Array[]): Steps<void> {
  if (readers.length === 0) return;
  const first = yield* takeNumbers('reader', readers.length);
  yield* write(
    readerTable,
    readers.map((reader, index) => [reader, first + index]),
  );
}

/** Stores the highest version of each book. Call it at the end of a commit, like `numberReaders`. */
function* keepBooks(changes: readonly BookChanged[]): Steps<void> {
  if (changes.length === 0) return;
  const first = yield* takeNumbers('book', changes.length);
  yield* write(
    bookTable,
    changes.map(({ bookId, version, book }, index) => [
      bookId,
      first + index,
      book === null ? null : JSON.stringify(book),
      version,
    ]),
  );
}

/** Reserves `count` change numbers. @returns the first of them. */
function* takeNumbers(name: string, count: number): Steps<number> {
  yield* change('UPDATE state.turn SET value = value + ? WHERE name = ?', [count, name]);
  const [row] = yield* rows('SELECT value FROM state.turn WHERE name = ?', [name]);
  return Number(row?.['value']) - count + 1;
}

/** About how many rows of a table one commit removes, so that no commit delays others for long. */
const forgottenPerCommit = 2_000;

const kept = [
  { table: 'search', time: 'time_ms', retentionMs: topicRetention.searches.retentionMs },
  { table: 'liking', time: 'time_ms', retentionMs: topicRetention.actions.retentionMs },
  { table: 'verdict', time: 'time_ms', retentionMs: topicRetention.actions.retentionMs },
  { table: 'forgotten', time: 'until_ms', retentionMs: topicRetention.actions.retentionMs },
] as const;

function dayOf(ms: number): number {
  return Math.floor(ms / dayMs);
}

/** Whether the watermark has entered a day for which old rows may still have to be removed. */
function isForgettingDue(watermarkMs: number, doneDay: number): boolean {
  return dayOf(watermarkMs) > doneDay;
}

/**
 * Removes some of what the topics no longer keep at the end of the watermark's day. No event happens after it arrives,
 * so a rebuild still finds everything that is left here in the topics. No later record can touch what is removed,
 * because it would be late.
 * @returns the readers who lost books.
 */
function* forgetOldTaste(watermarkMs: number): Steps<readonly Uint8Array[]> {
  const day = dayOf(watermarkMs);
  let isDone = true;
  const readers: Uint8Array[] = [];
  for (const { table, time, retentionMs } of kept) {
    const beforeMs = (day + 1) * dayMs - retentionMs;
    const [last] = yield* rows(
      `SELECT ${time} AS ms FROM state.${table} WHERE ${time} < ? ORDER BY ${time} LIMIT 1 OFFSET ${forgottenPerCommit - 1}`,
      [beforeMs],
    );
    isDone &&= last === undefined;
    const untilMs: SqlValue = last === undefined ? beforeMs - 1 : Number(last['ms']);
    if (table === 'liking' || table === 'verdict') {
      const old = yield* rows(`SELECT DISTINCT reader FROM state.${table} WHERE ${time} <= ?`, [untilMs]);
      readers.push(...old.map((row) => row['reader'] as Uint8Array));
    }
    yield* change(`DELETE FROM state.${table} WHERE ${time} <= ?`, [untilMs]);
  }
  if (isDone) yield* change("UPDATE state.turn SET value = ? WHERE name = 'old'", [day]);
  return readers;
}
