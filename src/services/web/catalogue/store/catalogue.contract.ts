import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { demoSource, type MergeOutcome, type SourcedBook } from '../import-run.ts';
import type { BookContent } from '../stored-book.ts';
import type { OpenCatalogue } from '../catalogue.ts';

/** A fresh, empty catalogue. */
export type CatalogueUnderTest = {
  readonly open: OpenCatalogue;
  /** A second connection to the same store, as another process would have it. */
  readonly another: () => Promise<OpenCatalogue>;
  /** Moves the clock. */
  readonly passMs: (ms: number) => void;
  readonly close: () => Promise<void>;
};

const gatsby: BookContent = {
  title: 'The Great Gatsby',
  author: 'F. Scott Fitzgerald',
  published_at: '1925',
  description: 'x'.repeat(400),
  isbn: '9780743273565',
  series: null,
  subjects: ['Wealth', 'Love'],
  language: 'en',
  popularity: 7,
  other_titles: ['Trimalchio in West Egg'],
};
const { title, author, published_at, isbn } = gatsby;
const everything = { maxRows: 1_000, maxBytes: 1 << 20 };
const never = new AbortController().signal;

const versions = async ({ outbox }: OpenCatalogue): Promise<readonly (readonly [number, number, string | null])[]> =>
  (await outbox.read(everything)).map(({ change }) => [change.bookId, change.version, change.book?.title ?? null]);

const row = (sourceId: string | null, fields: Partial<BookContent> = {}): SourcedBook => ({
  sourceId,
  fields: { title, author, published_at, isbn, ...fields },
});

const merge = async (
  opened: OpenCatalogue,
  source: string,
  ...rows: readonly SourcedBook[]
): Promise<readonly MergeOutcome[]> =>
  (await opened.catalogue.startImport(source).merge(rows)).map(({ outcome }) => outcome);

/** What every catalogue and its outbox promise; run it once per technology. */
export function catalogueContract(technology: string, openOne: () => Promise<CatalogueUnderTest>): void {
  const test = (name: string, body: (opened: CatalogueUnderTest & OpenCatalogue) => Promise<void>): void => {
    it(name, async () => {
      const opened = await openOne();
      try {
        await body({ ...opened.open, ...opened });
      } finally {
        await opened.close();
      }
    });
  };

  describe(`catalogue in ${technology}`, () => {
    test('returns the whole book with a new id and the time of creation', async ({ catalogue }) => {
      const { bookId, version, book } = await catalogue.add(gatsby);
      assert.deepEqual([bookId, version], [1, 1]);
      assert.deepEqual(await catalogue.get(1), book);
      const { series: _, ...rest } = gatsby;
      assert.deepEqual(book, { id: 1, created_at: '2026-01-02T03:04:05Z', ...rest });
      assert.equal(await catalogue.get(2), null);
    });

    test('raises the version with every change, and not when the content stays the same', async (opened) => {
      const { catalogue } = opened;
      await catalogue.add(gatsby);
      assert.equal((await catalogue.change(1, { ...gatsby, title: 'Trimalchio' })).version, 2);
      assert.equal((await catalogue.change(1, { ...gatsby, title: 'Trimalchio' })).version, 2);
      assert.equal((await catalogue.get(1))?.title, 'Trimalchio');
      assert.deepEqual(await versions(opened), [
        [1, 1, title],
        [1, 2, 'Trimalchio'],
      ]);
    });

    test('removes a book once and never gives its id again', async (opened) => {
      const { catalogue } = opened;
      await catalogue.add(gatsby);
      assert.deepEqual(await catalogue.change(1, null), { bookId: 1, version: 2, book: null });
      assert.equal(await catalogue.get(1), null);
      await assert.rejects(catalogue.change(1, null), { code: 'book-unknown' });
      await assert.rejects(catalogue.change(1, gatsby), { code: 'book-unknown' });
      assert.equal((await catalogue.add(gatsby)).bookId, 2);
      assert.deepEqual(await catalogue.census(), { books: 1, everHeld: 2 });
      assert.deepEqual((await versions(opened))[1], [1, 2, null]);
    });

    test('leaves no outbox row when a change is refused', async ({ catalogue, outbox }) => {
      await assert.rejects(catalogue.change(1, gatsby), { code: 'book-unknown' });
      assert.equal(await outbox.size(), 0);
    });

    test('reads the outbox in bounded pieces, oldest first, descriptions cut as in lists', async (opened) => {
      const { catalogue, outbox } = opened;
      for (const number of [1, 2, 3]) await catalogue.add({ ...gatsby, title: `Book ${number}` });
      assert.equal((await outbox.read({ maxRows: 2, maxBytes: 1 << 20 })).length, 2);
      const [oldest, ...more] = await outbox.read({ maxRows: 9, maxBytes: 1 });
      assert.deepEqual([oldest?.change.book?.title, more.length], ['Book 1', 0]);
      assert.equal(oldest?.change.book?.description?.length, 300);
      await outbox.remove([oldest?.id ?? 0]);
      assert.equal(await outbox.size(), 2);
      assert.equal((await versions(opened))[0]?.[2], 'Book 2');
    });

    test('puts books into the outbox again as they are now, behind all that wait', async (opened) => {
      const { catalogue, outbox } = opened;
      for (const number of [1, 2, 3]) await catalogue.add({ ...gatsby, title: `Book ${number}` });
      await catalogue.change(1, { ...gatsby, title: 'Changed' });
      await catalogue.change(2, null);
      const waiting = await versions(opened);
      const [, , , changed] = await outbox.read(everything);
      await outbox.putAgain([1, 2, 99]);
      const again = (await versions(opened)).slice(waiting.length).toSorted(([one], [other]) => one - other);
      assert.deepEqual(again, [
        [1, 2, 'Changed'],
        [2, 2, null],
      ]);
      const repeated = (await outbox.read(everything)).findLast(({ change }) => change.bookId === 1);
      assert.deepEqual(repeated?.change, changed?.change);
    });

    test('notices a change made here at once, and one made elsewhere soon', async ({ open, another }) => {
      await open.outbox.read(everything);
      const here = open.outbox.changed(60_000, never);
      await open.catalogue.add(gatsby);
      await here;
      await open.outbox.read(everything);
      const elsewhere = open.outbox.changed(60_000, never);
      await using other = await another();
      await other.catalogue.add(gatsby);
      await elsewhere;
      assert.equal((await open.outbox.read(everything)).length, 2);
    });

    test('does not sleep through a change made between reading and waiting', async ({ catalogue, outbox }) => {
      await outbox.read(everything);
      await catalogue.add(gatsby);
      await outbox.changed(60_000, never);
      const stop = new AbortController();
      await outbox.read(everything);
      const waiting = outbox.changed(60_000, stop.signal);
      stop.abort();
      await waiting;
    });

    test('lets one relay work at a time, and the next one when the first is gone', async ({ outbox, passMs }) => {
      assert.equal(await outbox.lease('a', 5_000), true);
      assert.equal(await outbox.lease('b', 5_000), false);
      passMs(4_000);
      assert.equal(await outbox.lease('a', 5_000), true);
      passMs(4_000);
      assert.equal(await outbox.lease('b', 5_000), false);
      passMs(1_001);
      assert.equal(await outbox.lease('b', 5_000), true);
      await outbox.lease('b', 0);
      assert.equal(await outbox.lease('a', 5_000), true);
    });
  });

  describe(`imports into a catalogue in ${technology}`, () => {
    test('finds a book by its id in the source, whatever else changed', async (opened) => {
      assert.deepEqual(await merge(opened, 's', row('a')), ['added']);
      assert.deepEqual(await merge(opened, 's', row('a')), ['unchanged']);
      const changed = row('a', { title: 'Great Gatsby', isbn: null, author: 'Fitzgerald' });
      assert.deepEqual(await merge(opened, 's', changed), ['updated']);
      assert.deepEqual(await versions(opened), [
        [1, 1, title],
        [1, 2, 'Great Gatsby'],
      ]);
    });

    test('finds a book of another source by ISBN, then by title, first author and year', async (opened) => {
      await opened.catalogue.add(gatsby);
      await opened.catalogue.add({ ...gatsby, title: 'Emma', author: 'Jane Austen', published_at: '1815', isbn: null });
      const emma = row('b', { title: 'EMMA!', author: 'Jane  Austen, and others', published_at: '1815-12-23' });
      assert.deepEqual(await merge(opened, 's', row('a', { title: 'Gatsby' })), ['updated']);
      assert.deepEqual(await merge(opened, 's', { ...emma, fields: { ...emma.fields, isbn: null } }), ['updated']);
      assert.equal((await opened.catalogue.get(1))?.title, 'Gatsby');
      assert.equal((await opened.catalogue.get(2))?.title, 'EMMA!');
      const later = row('c', { title: 'Emma', author: 'Jane Austen', published_at: '1999', isbn: null });
      assert.deepEqual(await merge(opened, 's', later), ['added']);
    });

    test('adds a row whose ISBN another book has, without that ISBN, and names the other book', async (opened) => {
      const games = { title: 'The Hunger Games', author: 'Suzanne Collins', isbn: '9780439023481' };
      await merge(opened, 's', row(null, games));
      const good = row(null, { title: 'Good Book', author: 'Somebody', isbn: games.isbn });
      const [merged] = await opened.catalogue.startImport('t').merge([good]);
      assert.deepEqual(merged, {
        outcome: 'added',
        conflicts: [{ field: 'isbn', value: games.isbn, title: games.title, author: games.author }],
      });
      const added = await opened.catalogue.get(2);
      assert.deepEqual([added?.title, added?.isbn], ['Good Book', undefined]);
      assert.equal((await opened.catalogue.get(1))?.title, games.title);
      assert.deepEqual(await merge(opened, 't', good), ['unchanged']);
      const [trusted] = await opened.catalogue.startImport('u', { trustIsbn: true }).merge([good]);
      assert.deepEqual(trusted, { outcome: 'updated', conflicts: [] });
      assert.equal((await opened.catalogue.get(1))?.title, 'Good Book');
    });

    test('adds a row whose id named a book with another title, and finds both again', async (opened) => {
      const other = row('a', { title: 'Tender Is the Night', isbn: null });
      assert.deepEqual(await merge(opened, 's', row('a')), ['added']);
      const [merged] = await opened.catalogue.startImport('s').merge([other]);
      assert.deepEqual(merged, { outcome: 'added', conflicts: [{ field: 'id', value: 'a', title, author }] });
      for (let times = 0; times < 2; times++) {
        assert.deepEqual(await merge(opened, 's', row('a')), ['unchanged']);
        assert.deepEqual(await merge(opened, 's', other), ['unchanged']);
        assert.deepEqual(await merge(opened, 's', row('a'), other), ['unchanged', 'unchanged']);
      }
      assert.deepEqual(await opened.catalogue.census(), { books: 2, everHeld: 2 });
    });

    test('never merges two ids of one source', async (opened) => {
      assert.deepEqual(await merge(opened, 's', row('a'), row('b'), row('c')), ['added', 'added', 'added']);
      assert.deepEqual(await merge(opened, 't', row('x'), row('y')), ['unchanged', 'unchanged']);
      assert.deepEqual(await opened.catalogue.census(), { books: 3, everHeld: 3 });
    });

    test('keeps two editions of one list apart by their ISBNs', async (opened) => {
      const editions = [row(null), row(null, { isbn: '9780141182636' })];
      assert.deepEqual(await merge(opened, 's', ...editions), ['added', 'added']);
      assert.deepEqual(await merge(opened, 's', ...editions), ['unchanged', 'unchanged']);
    });

    test('keeps the fields for which the list has no column', async (opened) => {
      await opened.catalogue.add(gatsby);
      await merge(opened, 's', { sourceId: 'a', fields: { title, isbn, popularity: 9 } });
      const book = await opened.catalogue.get(1);
      assert.deepEqual([book?.author, book?.popularity, book?.subjects], [author, 9, gatsby.subjects]);
    });

    test('erases with an empty cell only what the same source gave', async (opened) => {
      await merge(opened, 's', row('a', { description: 'Of s.', series: 'Of s' }));
      await merge(opened, 't', row('x', { language: 'en', series: 'Of t', description: null }));
      const emptied = {
        description: null,
        series: null,
        language: null,
        subjects: [],
        popularity: 0,
        other_titles: [],
      };
      await merge(opened, 's', row('a', emptied));
      const book = await opened.catalogue.get(1);
      assert.deepEqual([book?.description, book?.series, book?.language], [null, 'Of t', 'en']);
      await opened.catalogue.change(1, { ...gatsby, series: 'Edited', language: 'en' });
      await merge(opened, 't', row('x', emptied));
      const edited = await opened.catalogue.get(1);
      assert.deepEqual([edited?.series, edited?.language], ['Edited', undefined]);
    });

    test('uses the first of several rows for one book', async (opened) => {
      const rows = [row(null), row(null, { popularity: 3 }), row('a'), row('a', { popularity: 4 })];
      assert.deepEqual(await merge(opened, 's', ...rows), ['added', 'repeated', 'unchanged', 'repeated']);
      assert.deepEqual((await merge(opened, 's', ...rows))[0], 'unchanged');
      assert.equal(await opened.outbox.size(), 1);
    });

    test('remembers the rows of earlier batches of the same import', async ({ catalogue }) => {
      const run = catalogue.startImport('s');
      assert.equal((await run.merge([row('a')]))[0]?.outcome, 'added');
      assert.equal((await run.merge([row('a', { popularity: 3 })]))[0]?.outcome, 'repeated');
    });

    test('replaces a demo book by the book imported for it', async (opened) => {
      await merge(opened, demoSource, row('d', { description: 'Ours.' }));
      assert.deepEqual(await merge(opened, 's', row('a', { title: 'Gatsby' })), ['updated']);
      const book = await opened.catalogue.get(1);
      assert.deepEqual([book?.title, book?.description], ['Gatsby', null]);
      await merge(opened, 't', { sourceId: 'x', fields: { title: 'Gatsby', isbn } });
      assert.equal((await opened.catalogue.get(1))?.author, author);
    });

    test('removes the demo books that nobody has edited and no import has replaced', async (opened) => {
      const demos = ['Emma', 'Persuasion', 'Lady Susan'].map((name) => row(name, { title: name, isbn: null }));
      await merge(opened, demoSource, ...demos);
      await merge(opened, 's', row('1', { title: 'Emma', isbn: null, popularity: 5 }));
      await opened.catalogue.change(2, { ...gatsby, title: 'Persuasion', isbn: null });
      assert.equal(await opened.catalogue.removeDemoBooks(), 1);
      assert.equal(await opened.catalogue.removeDemoBooks(), 0);
      const left = await opened.catalogue.list(0, 10);
      assert.deepEqual(
        left.map((book) => book.title),
        ['Emma', 'Persuasion'],
      );
    });

    test('brings a removed book back under its id when its source has it', async (opened) => {
      await merge(opened, 's', row('a'));
      await opened.catalogue.change(1, null);
      assert.deepEqual(await merge(opened, 's', row('a')), ['added']);
      assert.equal((await opened.catalogue.get(1))?.title, title);
      assert.deepEqual((await versions(opened)).at(-1), [1, 3, title]);
      assert.deepEqual(await opened.catalogue.census(), { books: 1, everHeld: 1 });
    });
  });
}
