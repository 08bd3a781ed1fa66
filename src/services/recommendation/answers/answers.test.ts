import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../../../../test/support/until.ts';
import { strengths } from '../recommendation-projection.ts';
import type { BookRow, ReaderRow } from '../store/recommendation-store.ts';
import { createAnswers, type Answers } from './answers.ts';

/** A state in memory that others write to meanwhile. */
function openState() {
  const books = new Map<number, BookRow>();
  const readers = new Map<string, ReaderRow>();
  let changeNumber = 0;
  const since = <Row extends { readonly changeNumber: number }>(rows: Iterable<Row>, after: number, limit: number) =>
    [...rows]
      .filter((row) => row.changeNumber > after)
      .sort((one, other) => one.changeNumber - other.changeNumber)
      .slice(0, limit);
  return {
    putBook: (bookId: number, author = `Author ${bookId}`) => {
      books.set(bookId, {
        changeNumber: ++changeNumber,
        bookId,
        book: { id: bookId, title: `Book ${bookId}`, author },
      });
    },
    like: (reader: string, bookIds: readonly number[]) => {
      const liked = bookIds.map((bookId, at) => ({ bookId, strength: strengths.chosen, time: 1_000_000 - at }));
      readers.set(reader, { changeNumber: ++changeNumber, reader, liked, verdicts: [] });
    },
    store: {
      taste: async (reader: string) => ({ liked: [], verdicts: [], searches: [], ...readers.get(reader) }),
      booksSince: async (after: number, limit: number) => since(books.values(), after, limit),
      readersSince: async (after: number, limit: number) => since(readers.values(), after, limit),
    },
  };
}

type State = ReturnType<typeof openState>;

function test(behaviour: string, body: (state: State, answers: Answers) => Promise<void>): void {
  it(behaviour, { timeout: 60_000 }, async () => {
    const state = openState();
    const answers = createAnswers(state.store, { clock: Date.now, onProblem: () => {} });
    try {
      await body(state, answers);
    } finally {
      await answers.close();
    }
  });
}

const idsFor = async (answers: Answers, reader: string): Promise<readonly number[]> =>
  (await answers.recommendations(reader)).map(({ bookId }) => bookId);

describe('answers', () => {
  test('learn from other readers while the service runs', async (state, answers) => {
    for (let bookId = 1; bookId <= 30; bookId++) state.putBook(bookId);
    state.like('ann', [1]);
    assert.equal((await answers.recommendations('ann'))[0]?.tier, 'popular');
    for (const reader of ['bob', 'cas', 'dot', 'eve']) state.like(reader, [1, 25]);
    await until('the others count', async () => (await idsFor(answers, 'ann'))[0] === 25);
    const [first] = await answers.recommendations('ann');
    assert.deepEqual([first?.tier, first?.reasons[0]?.text], ['read-together', 'because you chose Book 1']);
    assert.equal((await answers.related(1))[0]?.readers, 4);
  });

  test('no longer count readers who are gone', async (state, answers) => {
    for (const bookId of [1, 2]) state.putBook(bookId);
    const readers = ['ann', 'bob', 'cas'];
    for (const reader of readers) state.like(reader, [1, 2]);
    await until('they count', async () => (await answers.related(1)).length === 1);
    state.like('bob', []);
    await until('one is gone', async () => (await answers.related(1)).length === 0);
  });

  test('accept actions on books that do not exist, and never suggest such books', async (state, answers) => {
    for (const bookId of [1, 2]) state.putBook(bookId);
    for (const reader of ['ann', 'bob', 'cas']) state.like(reader, [1, 999, Number.MAX_SAFE_INTEGER]);
    state.like('dot', [1]);
    await until('they count', async () => (await answers.recommendations('stranger')).length === 2);
    assert.deepEqual(await idsFor(answers, 'dot'), [2]);
    assert.deepEqual(await answers.related(999), [{ bookId: 1, title: 'Book 1', author: 'Author 1', readers: 3 }]);
  });

  test('count a reader of 5,000 books for the last 100 of them', async (state, answers) => {
    const many = Array.from({ length: 5_000 }, (_, at) => at + 1);
    for (const bookId of many) state.putBook(bookId);
    for (const reader of ['ann', 'bob', 'cas']) state.like(reader, many);
    await until('they count', async () => (await answers.related(1)).length > 0);
    assert.equal((await answers.related(100)).length, 10);
    assert.deepEqual(await answers.related(101), []);
    assert.deepEqual(await idsFor(answers, 'ann'), []);
  });

  test('continue after the state could not be read', async (state, answers) => {
    state.putBook(1);
    await until('it is there', async () => (await idsFor(answers, 'ann')).length === 1);
    const { booksSince } = state.store;
    state.store.booksSince = async () => {
      throw new Error('away');
    };
    await assert.rejects(answers.recommendations('ann'), { message: 'away' });
    state.store.booksSince = booksSince;
    assert.deepEqual(await idsFor(answers, 'ann'), [1]);
  });
});
