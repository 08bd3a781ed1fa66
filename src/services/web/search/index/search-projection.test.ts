import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { makeTemporaryFolder } from '../../../../../test/support/temporary-folder.ts';
import type { SqliteDatabase } from '../../../../sqlite/connection.ts';
import { bookChangedRecord } from '../../../../events/book-changed.ts';
import { createEventSource } from '../../../../events/envelope.ts';
import { readerActionRecord } from '../../../../events/reader-action.ts';
import type { NewRecord, StoredRecord } from '../../../../events/record.ts';
import { dayMs } from '../../../../runtime/time.ts';
import { bookAt, largestBookId, placeOf } from './book-row.ts';
import { createIndexWriter } from './index-writer.ts';
import { createSearchProjection, type SearchChange } from './search-projection.ts';
import { openIndexForWriting } from './index-file.ts';

const now = Date.parse('2026-06-01T00:00:00Z');
const source = createEventSource('test', () => now);
const projection = createSearchProjection({ changes: 'changes', actions: 'actions' });

function fold(record: NewRecord): SearchChange {
  const stored: StoredRecord = { ...record, partition: 0, offset: 0, timestamp: now };
  const change = projection.reads.find(({ topic }) => topic === record.topic)!.fold(stored);
  assert.notEqual(change, 'late');
  return change as SearchChange;
}

function changed(bookId: number, version: number, title: string | null, popularity = 0): SearchChange {
  const book = title === null ? null : { id: bookId, title, author: 'Somebody', popularity };
  return fold(bookChangedRecord('changes', source, { bookId, version, book }));
}

type Interest = 'opened' | 'chosen' | 'wanted' | 'dismissed';

function acted(bookId: number, action: Interest = 'opened', reader = 'reader'): SearchChange {
  return fold(readerActionRecord('actions', source, reader, { action, book_id: bookId }));
}

/** Everything the index holds, places found by each word included. */
function stateOf(database: SqliteDatabase): unknown {
  return {
    books: database.prepare('SELECT * FROM known ORDER BY id').all(),
    rows: database.prepare('SELECT * FROM book ORDER BY place').all(),
    listed: database.prepare('SELECT id, CAST(json AS TEXT) AS json FROM listed ORDER BY id').all(),
    interest: database.prepare('SELECT * FROM interest ORDER BY book_id, month, reader').all(),
    found: ['one', 'two', 'three', 'somebody'].map((word) =>
      database.prepare('SELECT rowid FROM book_text WHERE book_text MATCH ? ORDER BY rowid').all(word),
    ),
  };
}

type State = {
  readonly books: readonly { readonly version: number; readonly popularity: number }[];
  readonly listed: readonly { readonly json: string }[];
  readonly interest: readonly unknown[];
  /** Of the words one, two, three and somebody. */
  readonly found: readonly (readonly { readonly rowid: number }[])[];
};

describe('search projection', () => {
  const folder = makeTemporaryFolder();
  let files = 0;

  const stateAfter = (batches: readonly (readonly SearchChange[])[], watermarkMs = now): State => {
    const database = openIndexForWriting(join(folder, `${++files}.sqlite`), now, assert.fail);
    try {
      const writer = createIndexWriter(database, () => now);
      for (const batch of batches) database.transaction(() => writer.apply(batch, watermarkMs, 'read'));
      const state: unknown = stateOf(database);
      return state as State;
    } finally {
      database.close();
    }
  };

  it('keeps the latest version of a book, in whatever order versions come', () => {
    const versions = [changed(1, 1, 'One'), changed(1, 2, 'Two'), changed(1, 3, 'Three')];
    const state = stateAfter([[versions[1]!], [versions[2]!, versions[0]!]]);
    assert.match(state.listed[0]!.json, /"title":"Three"/);
    assert.deepEqual(
      state.found.map((rows) => rows.length),
      [0, 0, 1, 1],
    );
  });

  it('remembers a removed book, so that an older change cannot bring it back', () => {
    const state = stateAfter([[changed(1, 1, 'One')], [changed(1, 3, null)], [changed(1, 2, 'Two')]]);
    assert.deepEqual(state.listed, []);
    assert.deepEqual(state.found.flat(), []);
    assert.equal(state.books[0]!.version, 3);
    assert.match(stateAfter([[changed(1, 3, null), changed(1, 4, 'Two')]]).listed[0]!.json, /Two/);
  });

  it('raises popularity by what readers do, also before the book is known', () => {
    const state = stateAfter([
      [acted(1, 'opened'), acted(1, 'chosen'), acted(1, 'wanted'), acted(1, 'dismissed')],
      [changed(1, 1, 'One', 10)],
    ]);
    assert.equal(state.books[0]!.popularity, 14);
  });

  it('counts a reader once per book and month, by the strongest action', () => {
    const posts = Array.from({ length: 300 }, () => acted(1, 'wanted'));
    const popularity = (...more: readonly SearchChange[]) =>
      stateAfter([[changed(1, 1, 'One', 10), ...posts, ...more]]).books[0]!.popularity;
    assert.equal(popularity(), 14);
    assert.equal(popularity(acted(1, 'opened', 'another reader')), 15);
  });

  it('finds more popular books first, and a book moves as its readers grow', () => {
    const books = [changed(1, 1, 'One', 100), changed(2, 1, 'One', 50)];
    const order = (state: State): readonly number[] => state.found[0]!.map(({ rowid }) => bookAt(rowid));
    assert.deepEqual(order(stateAfter([books])), [1, 2]);
    assert.deepEqual(
      order(stateAfter([books, Array.from({ length: 60 }, (_, at) => acted(2, 'opened', `reader ${at}`))])),
      [2, 1],
    );
  });

  it('ends in the same state from the same events in any order and any batches', () => {
    const events = [
      changed(1, 1, 'One', 5),
      changed(1, 2, 'Two', 70),
      changed(2, 1, 'One two', 7),
      changed(2, 2, null),
      changed(3, 1, 'Three', 0),
      ...Array.from({ length: 12 }, (_, index) =>
        acted(1 + (index % 4), index % 3 === 0 ? 'wanted' : 'opened', `reader ${index % 5}`),
      ),
    ];
    const expected = stateAfter([events]);
    fc.assert(
      fc.property(
        fc.shuffledSubarray(events, { minLength: events.length, maxLength: events.length }),
        fc.integer({ min: 1, max: events.length }),
        (shuffled, size) => {
          const batches = Array.from({ length: Math.ceil(shuffled.length / size) }, (_, index) =>
            shuffled.slice(index * size, (index + 1) * size),
          );
          assert.deepEqual(stateAfter(batches), expected);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('forgets interest no later than the topic forgets the actions', () => {
    const events = [changed(1, 1, 'One', 3), acted(1), acted(1, 'opened', 'another reader')];
    assert.equal(stateAfter([events], now + 330 * dayMs).books[0]!.popularity, 5);
    const forgotten = stateAfter([events], now + 366 * dayMs);
    assert.equal(forgotten.books[0]!.popularity, 3);
    assert.deepEqual(forgotten.interest, []);
  });

  it('forgets the interest of a reader who asks for it, and of nobody else', () => {
    const events = [changed(1, 1, 'One', 3), acted(1), acted(1, 'wanted', 'another reader')];
    const forgotten = fold(readerActionRecord('actions', source, 'reader', { action: 'forgotten' }));
    const others = stateAfter([[changed(1, 1, 'One', 3), acted(1, 'wanted', 'another reader')]]);
    assert.deepEqual(stateAfter([events, [forgotten]]), others);
    assert.deepEqual(stateAfter([[...events, forgotten]]), others);
    assert.equal(
      stateAfter([[...events, forgotten, acted(1)]]).books[0]!.popularity,
      8,
      'what the reader does later counts',
    );
  });

  it('refuses a book whose id has no place in the index', () => {
    assert.throws(() => changed(largestBookId + 1, 1, 'One'), { code: 'bad-event' });
    assert.doesNotThrow(() => changed(largestBookId, 1, 'One'));
  });

  it('has a place for every id and popularity, exact as a number', () => {
    for (const popularity of [0, 1, 4_780_653, 1e12, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE]) {
      for (const id of [1, 123_456, largestBookId]) {
        const place = placeOf(id, popularity);
        assert.ok(Number.isSafeInteger(place) && place > 0 && place < 2 ** 52);
        assert.equal(bookAt(place), id);
      }
    }
    assert.ok(placeOf(1, 11) < placeOf(1, 10));
  });
});
