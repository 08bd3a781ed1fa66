import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { until } from '../../test/support/until.ts';
import { runCommand } from '../../test/support/run-command.ts';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import { zip } from '../../test/support/zip.ts';
import { loadConfig } from '../config/config.ts';
import { openLog } from '../log/open-log.ts';
import { openDataFolder } from './data-folder.ts';
import { openStockedCatalogue } from '../services/web/catalogue/store/open-catalogue.ts';
import { removeDemoCommand } from './demo.ts';
import { exportCommand } from './export.ts';
import { importCommand, type ImportOptions } from './import.ts';
import type { ProgressOutput, CommandContext } from './command-context.ts';
import { catalogueLocation, logLocation, shopFiles } from './state/shop-locations.ts';

type Finished = { code: number; out: string; err: string; shown: string };

type Shop = {
  readonly folder: string;
  readonly data: string;
  readonly run: (options: ImportOptions, isTTY?: boolean) => Promise<Finished>;
  readonly export: (format?: 'csv' | 'ndjson') => Promise<string>;
  readonly removeDemo: () => Promise<Finished>;
  /** Gives it the demo books. */
  readonly stock: () => Promise<void>;
  readonly changesInLog: () => Promise<number>;
};

async function openShop(): Promise<Shop> {
  const folder = makeTemporaryFolder();
  const data = join(folder, 'data');
  const { config } = loadConfig({ environment: { SAMSA_DATA: data } });
  const finish = async (
    command: (context: CommandContext, output: ProgressOutput) => Promise<number>,
    isTTY = false,
  ): Promise<Finished> => {
    let shown = '';
    const output = { isTTY, write: (text: string) => (shown += text) };
    const said = await runCommand(config, (context) => command(context, output));
    return { ...said, shown };
  };
  return {
    folder,
    data,
    run: (options, isTTY) => finish((context, output) => importCommand(context, options, output), isTTY),
    removeDemo: () => finish(removeDemoCommand),
    export: async (format = 'csv') => {
      const output = new PassThrough();
      const exported = text(output);
      await finish((context) => exportCommand(context, { format }, output));
      output.end();
      return exported;
    },
    stock: async () => {
      openDataFolder(data);
      const books = await openStockedCatalogue(catalogueLocation(config), {
        clock: Date.now,
        busyTimeoutMs: 50,
        onNotAdopted: (problem) => assert.fail(problem),
      });
      await books.close();
    },
    changesInLog: async () => {
      const { topics } = config.mq;
      const log = await openLog(logLocation(config), { clock: Date.now, busyTimeoutMs: 50 });
      const described = await log.describe(topics.changes);
      await log.close();
      return described.partitions.reduce((sum, { end }) => sum + end, 0);
    },
  };
}

function test(name: string, body: (shop: Shop) => Promise<void>): void {
  it(name, async () => {
    const shop = await openShop();
    await body(shop);
  });
}

const csv = 'id,title,author,isbn,Shelf\n1,Emma,Jane Austen,123,A\n9,,nobody\n2,Persuasion,Jane Austen,,B\n';

describe('samsa import', () => {
  test('imports into a folder without a running shop, delivers to the log, and changes nothing again', async (shop) => {
    const file = join(shop.folder, 'books.csv');
    await writeFile(file, csv);
    const first = await shop.run({ file });
    assert.equal(first.code, 3);
    assert.match(first.out, /^3 rows: 2 added, 0 updated, 0 unchanged, 1 skipped in \d+\.\d s \([\d,]+ rows\/s\)\n$/);
    assert.match(
      first.err,
      /^id ← id\ntitle ← title\nauthor ← author\nisbn ← isbn\nskipped:\n {2}line 3: expected a title/,
    );
    assert.match(first.err, /isbn: left out of 1 books, cannot be read: "123" \(first in line 2\)/);
    assert.match(first.err, /columns not used: Shelf/);
    assert.equal(await shop.changesInLog(), 2);
    assert.match((await shop.run({ file })).out, /^3 rows: 0 added, 0 updated, 2 unchanged, 1 skipped/);
    assert.equal(await shop.changesInLog(), 2);
  });

  test('reads NDJSON, delivers it, and leaves no write-ahead log behind', async (shop) => {
    const file = join(shop.folder, 'books.jsonl');
    const rows = Array.from({ length: 5_000 }, (_, id) => `{"id":${id},"title":"Title ${id}","shelf":"A"}\n`);
    await writeFile(file, rows.join(''));
    const { code, out, err } = await shop.run({ file });
    assert.equal(code, 0);
    assert.match(out, /^5,000 rows: 5,000 added, 0 updated, 0 unchanged, 0 skipped/);
    assert.equal(err, 'id ← id\ntitle ← title\ncolumns not used: shelf\n');
    const { catalogue, log } = shopFiles(loadConfig({ environment: { SAMSA_DATA: shop.data } }).config);
    assert.deepEqual(
      [catalogue, log].map((path) => existsSync(`${path}-wal`)),
      [false, false],
    );
    assert.equal(await shop.changesInLog(), 5_000);
  });

  test('fails when no row was taken, and not when there was none', async (shop) => {
    const [skipped, empty] = [join(shop.folder, 'skipped.csv'), join(shop.folder, 'empty.csv')];
    await writeFile(skipped, 'id,title\n1,,x\n7,\n');
    await writeFile(empty, 'id,title\n');
    const { code, out, err } = await shop.run({ file: skipped });
    assert.equal(code, 1);
    assert.match(out, /^2 rows: 0 added, 0 updated, 0 unchanged, 2 skipped/);
    assert.match(err, /skipped:\n {2}line 2: .*\n {2}line 3: /);
    assert.equal((await shop.run({ file: empty })).code, 0);
  });

  test('treats two files of one name as two sources when their columns differ', async (shop) => {
    await mkdir(join(shop.folder, 'other'));
    const [one, two] = [join(shop.folder, 'books.csv'), join(shop.folder, 'other/books.csv')];
    await writeFile(one, 'id,title\n1,Emma\n');
    await writeFile(two, 'id,title,author\n1,Emma and Ann,Somebody\n');
    await shop.run({ file: one });
    assert.match((await shop.run({ file: two })).out, /1 added/);
    assert.match((await shop.run({ file: two, source: 'third' })).out, /1 unchanged/);
  });

  test('says which lists of an archive it leaves out, and that letters may be wrong', async (shop) => {
    const file = join(shop.folder, 'books.zip');
    const [one, two] = [Buffer.from('title\nCafé\nEmma\n', 'latin1'), Buffer.from('title\nWalden\n')];
    await writeFile(file, zip({ 'one.csv': one, 'two.csv': two }));
    const { code, out, err } = await shop.run({ file });
    assert.equal(code, 3);
    assert.match(out, /^2 rows: 2 added, 0 updated, 0 unchanged, 0 skipped/);
    assert.match(err, /was read as Windows-1252.*\nnot imported: two\.csv/);
  });

  test('lists a row whose ISBN belongs to another book, and keeps both books', async (shop) => {
    const [one, two] = [join(shop.folder, 'one.csv'), join(shop.folder, 'two.csv')];
    const report = join(shop.folder, 'report.csv');
    await writeFile(one, 'title,author,isbn\nThe Hunger Games,Suzanne Collins,9780439023481\n');
    await writeFile(
      two,
      'title,author,isbn,year\nGood Book,Somebody,9780439023481,8858\n"Bad, Book",,,\n,,,\nx,y,z,1,2\n',
    );
    await shop.run({ file: one });
    const { code, err } = await shop.run({ file: two, report });
    assert.equal(code, 3);
    const conflict =
      'ISBN 9780439023481 belongs to The Hunger Games by Suzanne Collins; row says Good Book by Somebody';
    assert.ok(err.includes(`conflicts:\n  line 2: ${conflict}\n`), err);
    const lines = (await readFile(report, 'utf8')).trim().split('\n').sort();
    assert.deepEqual(lines, [
      `2,conflict,isbn,9780439023481,${conflict}`,
      '2,unread,published_at,8858,"cannot be read, left out"',
      '3,no-author,author,"Bad, Book",listed without an author',
      '5,skipped,,,"expected 4 columns as in the header, got 5"',
      'line,kind,field,value,message',
    ]);
    const exported = await shop.export();
    assert.match(exported, /The Hunger Games,Suzanne Collins,.*9780439023481/);
    assert.match(exported, /Good Book,Somebody,,,[^,]*,,/);
    assert.match((await shop.run({ file: two, trustIsbn: true })).out, /1 updated, 1 unchanged/);
  });

  test('says what would happen and changes nothing', async (shop) => {
    const [file, more] = [join(shop.folder, 'books.csv'), join(shop.folder, 'more.csv')];
    await writeFile(file, csv);
    const fresh = await shop.run({ file, check: true });
    assert.deepEqual([fresh.code, existsSync(shop.data)], [3, false]);
    assert.match(fresh.out, /^would be: 3 rows: 2 added, 0 updated, 0 unchanged, 1 skipped/);
    await shop.run({ file, source: 'list' });
    const before = await shop.export();
    const rows = Array.from({ length: 300 }, (_, at) => `${at + 3},Title ${at % 290},A,,\n`);
    await writeFile(
      more,
      `id,title,author,isbn,year\n1,Emma,Jane Austen,,1815\n2,Persuasion,Jane Austen,,\n${rows.join('')}`,
    );
    const check = await shop.run({ file: more, source: 'list', check: true });
    assert.match(check.out, /^would be: 302 rows: 300 added, 1 updated, 1 unchanged, 0 skipped/);
    assert.equal(await shop.export(), before);
    assert.match(
      (await shop.run({ file: more, source: 'list' })).out,
      /^302 rows: 300 added, 1 updated, 1 unchanged, 0 skipped/,
    );
  });

  test('removes the demo books after the first import, unless told to keep them', async (shop) => {
    const file = join(shop.folder, 'books.csv');
    await writeFile(file, 'title,author\nEmma,Jane Austen\n');
    await shop.stock();
    assert.equal((await shop.run({ file, keepDemo: true })).err.includes('demo books have left'), false);
    assert.ok((await shop.export()).split('\n').length > 700);
    assert.match(
      (await shop.run({ file })).err,
      /\n73\d demo books have left the shop \(--keep-demo would keep them\)\n/,
    );
    assert.equal((await shop.export()).trim().split('\n').length, 2);
    assert.match((await shop.removeDemo()).out, /^0 demo books have left the shop\n$/);
  });

  test('exports what it imports again without a change', async (shop) => {
    const file = join(shop.folder, 'books.ndjson');
    const books = [
      { title: 'Odd (Saga, #1)', author: 'Ann "A" One, Ben', isbn: '9780439023481', subjects: ['a, b', 'c"d'] },
      { title: ' x\n', description: '<b>bold</b>\n\nand, "quoted" ', language: 'Klingonese', popularity: 7 },
      { title: 'Null', author: 'None', original_title: 'Nichts', year: -720, series: 'Cycle #2' },
      { title: 'Null', author: 'None', original_title: 'Nichts', year: -720, series: 'Cycle #3' },
    ];
    await writeFile(file, books.map((book, id) => `${JSON.stringify({ id, ...book })}\n`).join(''));
    await shop.run({ file });
    for (const format of ['csv', 'ndjson'] as const) {
      const exported = join(shop.folder, `exported.${format}`);
      await writeFile(exported, await shop.export(format));
      const again = await shop.run({ file: exported });
      assert.match(again.out, /^4 rows: 0 added, 0 updated, 4 unchanged, 0 skipped/);
      const other = await openShop();
      assert.equal((await other.run({ file: exported })).code, 0);
      assert.deepEqual(withoutTimes(await other.export(format)), withoutTimes(await shop.export(format)));
    }
  });

  test('is finished by another import after it was killed, without a book twice', async (shop) => {
    const file = join(shop.folder, 'books.csv');
    const rows = Array.from({ length: 20_000 }, (_, at) => `Title ${at},Author ${at % 100}\n`);
    await writeFile(file, `title,author\n${rows.join('')}`);
    const importing = startImport(shop.data, file);
    await until('some books have landed', async () => (await shop.export()).length > 10_000);
    importing.kill('SIGKILL');
    await once(importing, 'exit');
    const others = [startImport(shop.data, file), startImport(shop.data, file)];
    const codes = await Promise.all(others.map(async (other) => (await once(other, 'exit'))[0] as number));
    assert.deepEqual(codes, [0, 0]);
    assert.match((await shop.run({ file })).out, /^20,000 rows: 0 added, 0 updated, 20,000 unchanged/);
    assert.equal((await shop.export()).trim().split('\n').length, 20_001);
  });

  test('refuses a file that is not a list of books, and leaves no data folder behind', async (shop) => {
    const missing = await shop.run({ file: join(shop.folder, 'none.csv') });
    assert.equal(missing.code, 1);
    assert.match(missing.err, /none\.csv: there is no such file/);
    assert.equal((await shop.run({ file: shop.folder })).code, 1);
    assert.equal(existsSync(shop.data), false);
  });

  test('refuses a source that is the shop’s own, or no name, and columns that are no fields', async (shop) => {
    const file = join(shop.folder, 'books.csv');
    await writeFile(file, csv);
    for (const source of ['demo', '', 'x'.repeat(101), 'a\nb']) {
      assert.equal((await shop.run({ file, source })).code, 1, source);
    }
    const { code, err } = await shop.run({ file, columns: 'colour=Shelf' });
    assert.equal(code, 1);
    assert.match(err, /^samsa: --columns: expected pairs such as title=Name/);
    assert.equal((await shop.run({ file, columns: 'subjects=Shelf' })).code, 3);
    assert.match(await shop.export(), /"\["*A"*\]"/);
  });

  test('says so when the data folder cannot be used', async (shop) => {
    const file = join(shop.folder, 'books.csv');
    await writeFile(file, csv);
    await writeFile(shop.data, 'a file');
    const { code, err } = await shop.run({ file });
    assert.equal(code, 1);
    assert.match(err, /^samsa: .*data/m);
  });

  test('leaves no half-written line on a terminal', async (shop) => {
    const file = join(shop.folder, 'books.csv');
    await writeFile(file, `id,title\n${Array.from({ length: 5_000 }, (_, at) => `${at},Title ${at}`).join('\n')}\n`);
    const { shown } = await shop.run({ file }, true);
    assert.ok(shown === '' || shown.endsWith('\r\u001B[2K'));
    assert.ok(!shown.includes('\n'));
  });
});

/** An export without ids and times of creation, in the order of its titles. */
function withoutTimes(text: string): readonly string[] {
  return text
    .replaceAll(/^\d+,|"id":\d+,|"created_at":"[^"]*",|\d{4}-\d\d-\d\dT[\d:]+Z/gm, '')
    .split('\n')
    .sort();
}

/** `samsa import` as a process. */
function startImport(data: string, file: string): ChildProcess {
  const samsa = join(import.meta.dirname, '../../bin/samsa.js');
  return spawn(process.execPath, [samsa, 'import', file], {
    env: { ...process.env, SAMSA_DATA: data },
    stdio: 'ignore',
  });
}
