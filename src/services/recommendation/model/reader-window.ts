import { strengths } from '../recommendation-projection.ts';
import type { ReaderBooks } from '../store/recommendation-store.ts';

/** That a reader has had a book: how strongly they said so, and when last. */
export type Fact = { readonly bookId: number; readonly strength: number; readonly time: number };

/** Books of one reader that count: nobody's taste is that of all they ever opened, and no reader outweighs a hundred. */
export const windowSize = 100;

/**
 * The last books a reader opened, chose or wanted, latest first, of one time by their ids. Each has its strongest signal. Books
 * they dismissed are not among them.
 */
export function windowOf({ liked, verdicts }: ReaderBooks): readonly Fact[] {
  const facts = new Map<number, Fact>(liked.map((fact) => [fact.bookId, fact]));
  for (const { bookId, verdict, time } of verdicts) {
    if (verdict !== 'wanted') continue;
    const before = facts.get(bookId)?.time ?? time;
    facts.set(bookId, { bookId, strength: strengths.wanted, time: Math.max(time, before) });
  }
  for (const { bookId, verdict } of verdicts) if (verdict === 'dismissed') facts.delete(bookId);
  return [...facts.values()]
    .sort((one, other) => other.time - one.time || one.bookId - other.bookId)
    .slice(0, windowSize);
}
