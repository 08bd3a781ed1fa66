import type { CountedSearch } from '../trend-projection.ts';

/** What a search answered: the books, and the spelling it used instead of the query's. */
export type Answer = Pick<CountedSearch, 'corrected' | 'books'>;

/** The latest answer is the one of the greatest time; of several in one millisecond, the one of the greatest bytes. */
export function isLaterAnswer(one: Answer & { time: number }, other: Answer & { time: number }): boolean {
  return one.time === other.time ? compareAnswers(one, other) > 0 : one.time > other.time;
}

/** By bytes, so that every order of arrival ends with the same answer. */
export function compareAnswers(one: Answer, other: Answer): number {
  const books = one.books === other.books ? 0 : Buffer.compare(one.books, other.books);
  if (books !== 0 || one.corrected === other.corrected) return books;
  return Buffer.compare(Buffer.from(one.corrected ?? ''), Buffer.from(other.corrected ?? ''));
}
