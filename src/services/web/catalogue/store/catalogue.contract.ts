import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { demoSource, type BookContent, type OpenCatalogue, type SourcedBook } from '../catalogue.ts';

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

const merge = (opened: OpenCatalogue, source: string, ...rows: readonly SourcedBook[]) =>
  opened.catalogue.startImport(source).merge(rows);

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
      assert.deepEqual(await merge(opened, 's', row('a', { title: 'New', isbn: null })), ['updated']);
      assert.deepEqual(await versions(opened), [
        [1, 1, title],
        [1, 2, 'New'],
      ]);
    });

    test('finds a book of another source by ISBN, then by title, first author and year', async (opened) => {
      await opened.catalogue.add(gatsby);
      await opened.catalogue.add({ ...gatsby, title: 'Emma', author: 'Jane Austen', published_at: '1815', isbn: null });
      const emma = row('b', { title: 'EMMA!', author: 'Jane  Austen, and others', published_at: '1815-12-23' });
      assert.deepEqual(await merge(opened, 's', row('a', { title: 'Other' })), ['updated']);
      assert.deepEqual(await merge(opened, 's', { ...emma, fields: { ...emma.fields, isbn: null } }), ['updated']);
      assert.equal((await opened.catalogue.get(1))?.title, 'Other');
      assert.equal((await opened.catalogue.get(2))?.title, 'EMMA!');
      const later = row('c', { title: 'Emma', author: 'Jane Austen', published_at: '1999', isbn: null });
      assert.deepEqual(await merge(opened, 's', later), ['added']);
    });

    test('never merges two ids of one source', async (opened) => {
      assert.deepEqual(await merge(opened, 's', row('a'), row('b'), row('c')), ['added', 'added', 'added']);
      assert.deepEqual(await merge(opened, 't', row('x'), row('y')), ['unchanged', 'unchanged']);
      assert.deepEqual(await opened.catalogue.census(), { books: 3, everHeld: 3 });
    });

    test('keeps the fields for which the list has no column', async (opened) => {
      await opened.catalogue.add(gatsby);
      await merge(opened, 's', { sourceId: 'a', fields: { title, isbn, popularity: 9 } });
      const book = await opened.catalogue.get(1);
      assert.deepEqual([book?.author, book?.popularity, book?.subjects], [author, 9, gatsby.subjects]);
    });

    test('uses the first of several rows for one book', async (opened) => {
      const rows = [row(null), row(null, { title: 'Again' }), row('a'), row('a', { title: 'Twice' })];
      assert.deepEqual(await merge(opened, 's', ...rows), ['added', 'repeated', 'repeated', 'repeated']);
      assert.deepEqual((await merge(opened, 's', ...rows))[0], 'unchanged');
      assert.equal(await opened.outbox.size(), 1);
    });

    test('remembers the rows of earlier batches of the same import', async ({ catalogue }) => {
      const run = catalogue.startImport('s');
      assert.deepEqual(await run.merge([row('a')]), ['added']);
      assert.deepEqual(await run.merge([row('a', { title: 'Twice' })]), ['repeated']);
    });

    test('replaces a demo book by the book imported for it', async (opened) => {
      await merge(opened, demoSource, row('d', { description: 'Ours.' }));
      assert.deepEqual(await merge(opened, 's', row('a', { title: 'Gatsby' })), ['updated']);
      const book = await opened.catalogue.get(1);
      assert.deepEqual([book?.title, book?.description], ['Gatsby', null]);
      await merge(opened, 't', { sourceId: 'x', fields: { title: 'Gatsby', isbn } });
      assert.equal((await opened.catalogue.get(1))?.author, author);
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
