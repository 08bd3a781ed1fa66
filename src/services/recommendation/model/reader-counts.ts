import { grown } from './by-number.ts';
import { createCoCounts, mostWorks, type CoCounts } from './co-counts.ts';
import type { Counts } from './weights.ts';

/**
 * How many readers have a work, and how many have both of two works, derived from the books each reader has had. Books
 * are numbered from 0; a work has the number of one of its books. Every count is an integer that depends only on the
 * readers' present books, so a removed book leaves no trace.
 */
export type ReaderCounts = Counts & {
  readonly pairs: CoCounts;
  /** The number of a book, new or known. @returns -1 when there are too many books to count. */
  readonly numberOf: (bookId: number) => number;
  readonly bookIdOf: (number: number) => number;
  readonly workOf: (number: number) => number;
  /**
   * Replaces a reader's books, given by their numbers, latest first. Only the first hundred are counted: no reader
   * should outweigh a hundred others. An empty list removes the reader.
   */
  readonly put: (reader: string, books: readonly number[]) => void;
  /** Makes books part of another work, and counts their readers there. */
  readonly regroup: (works: ReadonlyMap<number, number>) => void;
  /** The works of each reader, including those that are not counted. */
  readonly worksByReader: () => Iterable<readonly number[]>;
  /** How many books have a number. */
  readonly size: () => number;
  /** How many readers have a book. */
  readonly readers: () => number;
  /** How many works have a reader. */
  readonly works: () => number;
};

const booksCounted = 100;

/** @param onChange gets each work whose counts changed, or that a reader has got or lost. */
export function createReaderCounts(onChange: (work: number) => void): ReaderCounts {
  const pairs = createCoCounts();
  const numbers = new Map<number, number>();
  const bookIds: number[] = [];
  let works = new Int32Array(1_024);
  let readers = new Int32Array(1_024);
  /** 1 / √readers, for cosines; computed once for each change instead of once for each pair. */
  let inverseRoots = new Float64Array(1_024);
  /** Plain arrays: a typed array takes about 200 bytes more, and most readers have few books. */
  const booksOf = new Map<string, readonly number[]>();
  let worksRead = 0;

  const worksOf = (books: Iterable<number>): readonly number[] => [
    ...new Set(Array.from(books, (number) => works[number]!)),
  ];
  const countedOf = (books: readonly number[]): readonly number[] => worksOf(books.slice(0, booksCounted));
  const count = (work: number, beside: readonly number[], by: 1 | -1): void => {
    const now = (readers[work]! += by);
    inverseRoots[work] = now === 0 ? 0 : 1 / Math.sqrt(now);
    if (now === 0) worksRead--;
    else if (now === 1 && by === 1) worksRead++;
    onChange(work);
    for (const other of beside) if (other !== work) pairs.add(work, other, by);
  };
  const move = (before: readonly number[], after: readonly number[]): void => {
    const [had, has] = [new Set(before), new Set(after)];
    const left = [...before];
    for (const work of before) {
      if (has.has(work)) continue;
      left.splice(left.indexOf(work), 1);
      count(work, left, -1);
    }
    for (const work of after) {
      if (had.has(work)) continue;
      count(work, left, 1);
      left.push(work);
    }
  };

  return {
    pairs,
    readersOf: (work) => readers[work]!,
    inverseRootOf: (work) => inverseRoots[work]!,
    orderOf: (work) => bookIds[work]!,
    numberOf: (bookId) => {
      const known = numbers.get(bookId);
      if (known !== undefined) return known;
      const number = bookIds.length;
      if (number >= mostWorks) return -1;
      numbers.set(bookId, number);
      bookIds.push(bookId);
      if (number >= works.length) {
        works = grown(works, number + 1);
        readers = grown(readers, number + 1);
        inverseRoots = grown(inverseRoots, number + 1);
      }
      works[number] = number;
      return number;
    },
    bookIdOf: (number) => bookIds[number]!,
    workOf: (number) => works[number]!,
    put: (reader, books) => {
      const before = booksOf.get(reader) ?? [];
      move(countedOf(before), countedOf(books));
      const [had, has] = [new Set(before), new Set(books)];
      for (const number of had.symmetricDifference(has)) onChange(works[number]!);
      if (books.length === 0) booksOf.delete(reader);
      else booksOf.set(reader, [...books]);
    },
    regroup: (changed) => {
      const affected = [...booksOf.values()]
        .filter((books) => books.some((number) => changed.has(number)))
        .map((books) => ({ books, before: countedOf(books) }));
      for (const [number, work] of changed) {
        onChange(works[number]!);
        onChange(work);
        works[number] = work;
      }
      for (const { books, before } of affected) move(before, countedOf(books));
    },
    worksByReader: () => booksOf.values().map(worksOf),
    size: () => bookIds.length,
    readers: () => booksOf.size,
    works: () => worksRead,
  };
}
