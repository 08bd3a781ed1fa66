import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { followBooks } from './knowledge.ts';
import type { BookRow } from '../store/recommendation-store.ts';

const row = (bookId: number, changeNumber: number, title: string): BookRow => {
  return { bookId, changeNumber, book: { id: bookId, title, author: 'x' } };
};

/** Books as a database has them that may answer late, with what it had when it was asked. */
function slowBooks(rows: BookRow[]) {
  const answers: PromiseWithResolvers<void>[] = [];
  return {
    answers,
    booksSince: async (changeNumber: number, limit: number): Promise<readonly BookRow[]> => {
      const found = rows.filter((one) => one.changeNumber > changeNumber).slice(0, limit);
      const answer = Promise.withResolvers<void>();
      answers.push(answer);
      await answer.promise;
      return found;
    },
  };
}

describe('a copy of the books', () => {
  it('never puts an older book over a newer one, however late the database answers', async () => {
    const rows = [row(1, 1, 'Emma')];
    const store = slowBooks(rows);
    const titles = new Map<number, string | undefined>();
    const follow = followBooks(store, (books) => {
      for (const { bookId, book } of books) titles.set(bookId, book?.title);
    });
    const early = follow();
    await Promise.resolve();
    rows.splice(0, 1, row(1, 2, 'Emma, corrected'));
    const late = follow();
    const another = follow();
    await new Promise(setImmediate);
    assert.equal(store.answers.length, 1);
    store.answers[0]!.resolve();
    await early;
    assert.equal(titles.get(1), 'Emma');
    await new Promise(setImmediate);
    assert.equal(store.answers.length, 2);
    store.answers[1]!.resolve();
    await Promise.all([late, another]);
    assert.equal(titles.get(1), 'Emma, corrected');
  });

  it('continues after the database was unavailable', async () => {
    let isAway = true;
    const booksSince = async (): Promise<readonly BookRow[]> => {
      if (isAway) throw new Error('away');
      return [row(1, 1, 'Emma')];
    };
    const titles: (string | undefined)[] = [];
    const follow = followBooks({ booksSince }, (books) => titles.push(...books.map(({ book }) => book?.title)));
    await assert.rejects(follow(), { message: 'away' });
    isAway = false;
    await follow();
    assert.deepEqual(titles, ['Emma']);
  });
});
