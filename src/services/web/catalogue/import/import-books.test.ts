import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { makeTemporaryFolder } from '../../../../../test/support/temporary-folder.ts';
import { openSqliteCatalogue } from '../store/sqlite/catalogue.ts';
import type { OpenCatalogue } from '../catalogue.ts';
import { loadDemoCatalogue } from '../store/open-catalogue.ts';
import { importBooks, type ImportProgress } from './import-books.ts';
import { createImportReport, type ImportSummary } from './import-report.ts';
import { openBookList } from './lists/open-book-list.ts';

type Shop = OpenCatalogue & {
  readonly write: (text: string) => Promise<string>;
  readonly importText: (text: string, source?: string) => Promise<ImportSummary>;
  readonly progress: ImportProgress[];
};

function test(name: string, body: (shop: Shop) => Promise<void>): void {
  it(name, async () => {
    const folder = makeTemporaryFolder();
    const open = openSqliteCatalogue(join(folder, 'catalogue.sqlite'), { clock: Date.now, busyTimeoutMs: 50 });
    const progress: ImportProgress[] = [];
    const write = async (text: string): Promise<string> => {
      const file = join(folder, 'books.csv');
      await writeFile(file, text);
      return file;
    };
    const importText = async (text: string, source = 'list'): Promise<ImportSummary> => {
      const report = createImportReport();
      const onProgress = (now: ImportProgress): void => void progress.push(now);
      const run = open.catalogue.startImport(source);
      await importBooks(await openBookList(await write(text)), { run, report, onProgress });
      return report.summary();
    };
    try {
      await body({ ...open, write, importText, progress });
    } finally {
      await open.close();
    }
  });
}

const counts = ({ rows, added, updated, unchanged, skipped }: ImportSummary): readonly number[] => [
  rows,
  added,
  updated,
  unchanged,
  skipped,
];

const list = (rows: number): string =>
  `id,title,author,isbn\n${Array.from({ length: rows }, (_, at) => `${at},Same title,Same author,9780439023481`).join('\n')}\n`;

describe('an import', () => {
  test('adds every row with its own id, and changes nothing the second time', async (shop) => {
    assert.deepEqual(counts(await shop.importText(list(1_001))), [1_001, 1_001, 0, 0, 0]);
    assert.deepEqual(counts(await shop.importText(list(1_001))), [1_001, 0, 0, 1_001, 0]);
    assert.equal((await shop.catalogue.census()).books, 1_001);
    assert.equal(await shop.outbox.size(), 1_001);
  });

  test('changes nothing the second time in a list without ids, either', async (shop) => {
    const csv = 'title,author\nEmma,Jane Austen\nPersuasion,Jane Austen\nEMMA,"Jane Austen, A. B."\n';
    assert.deepEqual(counts(await shop.importText(csv)), [3, 2, 0, 0, 1]);
    assert.deepEqual(counts(await shop.importText(csv)), [3, 0, 0, 2, 1]);
    assert.equal(await shop.outbox.size(), 2);
  });

  test('knows a book again in another format, and changes nothing the second time', async (shop) => {
    await shop.importText('id,title,author,subjects\n1,Emma,Jane Austen,Love; Wit\n2,Persuasion,Jane Austen,\n');
    const ndjson =
      '{"id":1,"title":"Emma","author":["Jane Austen"],"subjects":["Love","Wit"]}\n{}\n{"id":"3","title":"Lady Susan"}\n';
    const first = await shop.importText(ndjson);
    assert.deepEqual(counts(first), [3, 1, 0, 1, 1]);
    assert.deepEqual(
      first.skippedRows.map(({ line, message }) => [line, message]),
      [[2, 'expected a title, got nothing']],
    );
    assert.deepEqual(counts(await shop.importText(ndjson)), [3, 0, 0, 2, 1]);
    assert.equal(await shop.outbox.size(), 3);
  });

  test('updates the rows that changed', async (shop) => {
    await shop.importText('id,title\n1,Emma\n2,Northanger Abey\n');
    assert.deepEqual(
      counts(await shop.importText('id,title\n1,Emma\n2,Northanger Abbey\n3,Lady Susan\n')),
      [3, 1, 1, 1, 0],
    );
  });

  test('lists the first rows it skips, by line, and lands the others', async (shop) => {
    const bad = Array.from({ length: 30 }, () => '7,,no title').join('\n');
    const summary = await shop.importText(`id,title\n1,Emma\n${bad}\n2,Persuasion\n`);
    assert.deepEqual(counts(summary), [32, 2, 0, 0, 30]);
    assert.equal(summary.skippedRows.length, 20);
    const { line, message } = summary.skippedRows[0]!;
    assert.deepEqual([line, message], [3, 'expected 2 columns as in the header, got 3']);
  });

  test('counts the values that it left out of the books that landed, with examples', async (shop) => {
    const summary = await shop.importText(
      'id,title,isbn,author\n1,Emma,1,A\n2,Persuasion,9.78E+12,\n3,Lady Susan,,A\n',
    );
    assert.deepEqual(summary.unread, [{ field: 'isbn', rows: 2, firstLine: 2, examples: ['1', '9.78E+12'] }]);
    assert.deepEqual(summary.withoutAuthor, { rows: 1, firstLine: 3 });
  });

  test('waits between batches for the relay', async (shop) => {
    const waiting: number[] = [];
    const keepPace = async (): Promise<void> => {
      waiting.push(await shop.outbox.size());
      await shop.outbox.remove((await shop.outbox.read({ maxRows: 1_000, maxBytes: 1 << 20 })).map(({ id }) => id));
    };
    const run = shop.catalogue.startImport('list');
    await importBooks(await openBookList(await shop.write(list(500))), { run, report: createImportReport(), keepPace });
    assert.deepEqual(waiting, [200, 200, 100]);
  });

  test('reports how far it is', async (shop) => {
    await shop.importText(list(1_000));
    assert.equal(shop.progress.at(-1)?.rows, 1_000);
    assert.equal(shop.progress.at(-1)?.done, 1);
    assert.ok(shop.progress.every(({ rows }, at) => rows >= (shop.progress[at - 1]?.rows ?? 0)));
  });
});

describe('the demo catalogue', () => {
  const classics =
    'title,author,published_at,subjects,description\nEmma,Jane Austen,1815,Love; Wit,A matchmaker errs.\n';

  test('fills a catalogue that has never held a book, and no other', async ({ catalogue, write }) => {
    const file = await write(classics);
    assert.equal(await loadDemoCatalogue(catalogue, file), 1);
    assert.deepEqual((await catalogue.get(1))?.subjects, ['Love', 'Wit']);
    await catalogue.change(1, null);
    assert.equal(await loadDemoCatalogue(catalogue, file), 0);
    assert.deepEqual(await catalogue.census(), { books: 0, everHeld: 1 });
  });

  test('is replaced by imported books that are the same', async ({ catalogue, write, importText }) => {
    await loadDemoCatalogue(catalogue, await write(classics));
    const summary = await importText('book_id,title,authors,year,ratings_count\n7,EMMA,Jane Austen,1815.0,9\n');
    assert.deepEqual(counts(summary), [1, 0, 1, 0, 0]);
    const { created_at: _, ...book } = (await catalogue.get(1))!;
    const imported = {
      id: 1,
      title: 'EMMA',
      author: 'Jane Austen',
      published_at: '1815',
      description: null,
      popularity: 9,
    };
    assert.deepEqual(book, imported);
  });
});
