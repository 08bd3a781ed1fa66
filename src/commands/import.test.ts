import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadConfig } from '../config/config.ts';
import { openLog } from '../log/open-log.ts';
import { importCommand, type ImportOptions } from './import.ts';
import { logLocation, shopFiles } from './state/shop-places.ts';

type Shop = {
  readonly folder: string;
  readonly data: string;
  readonly run: (
    options: ImportOptions,
    isTTY?: boolean,
  ) => Promise<{ code: number; out: string; err: string; shown: string }>;
  readonly changesInLog: () => Promise<number>;
};

function test(name: string, body: (shop: Shop) => Promise<void>): void {
  it(name, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'samsa-import-'));
    const data = join(folder, 'data');
    const { config } = loadConfig({ environment: { SAMSA_DATA: data } });
    const run: Shop['run'] = async (options, isTTY = false) => {
      const said = { out: '', err: '', shown: '' };
      const print = (line: string): void => void (said.out += `${line}\n`);
      const warn = (line: string): void => void (said.err += `${line}\n`);
      const output = { isTTY, write: (text: string) => (said.shown += text) };
      return { code: await importCommand({ config, print, warn }, options, output), ...said };
    };
    const changesInLog = async (): Promise<number> => {
      const { topics } = config.mq;
      const log = await openLog(logLocation(config), { clock: Date.now, busyTimeoutMs: 50 });
      const described = await log.describe(topics.changes);
      await log.close();
      return described.partitions.reduce((sum, { end }) => sum + end, 0);
    };
    try {
      await body({ folder, data, run, changesInLog });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

const csv = 'id,title,author,isbn,Shelf\n1,Emma,Jane Austen,123,A\nbroken\n2,Persuasion,Jane Austen,,B\n';

describe('samsa import', () => {
  test('imports into a folder without a running shop, delivers to the log, and changes nothing again', async (shop) => {
    const file = join(shop.folder, 'books.csv');
    await writeFile(file, csv);
    const first = await shop.run({ file });
    assert.equal(first.code, 0);
    assert.match(first.out, /^3 rows: 2 added, 0 updated, 0 unchanged, 1 skipped in \d+\.\d s \([\d,]+ rows\/s\)\n$/);
    assert.match(first.err, /line 3: expected 5 columns as in the header, got 1/);
    assert.match(first.err, /isbn: left out of 1 books, not understood \(first in line 2\)/);
    assert.match(first.err, /columns not used: Shelf/);
    assert.equal(await shop.changesInLog(), 2);
    assert.match((await shop.run({ file })).out, /^3 rows: 0 added, 0 updated, 2 unchanged, 1 skipped/);
    assert.equal(await shop.changesInLog(), 2);
  });

  test('reads NDJSON, delivers it, and leaves no write-ahead log behind', async (shop) => {
    const file = join(shop.folder, 'books.jsonl');
    const rows = Array.from({ length: 5_000 }, (_, id) => `{"id":${id},"title":"Title ${id}","shelf":"A"}\n`);
    await writeFile(file, `${rows.join('')}{"title":7}\n`);
    const { code, out, err } = await shop.run({ file });
    assert.equal(code, 0);
    assert.match(out, /^5,001 rows: 5,000 added, 0 updated, 0 unchanged, 1 skipped/);
    assert.equal(err, 'skipped:\n  line 5001: "title": expected text, got the number 7\ncolumns not used: shelf\n');
    const { catalogue, log } = shopFiles(loadConfig({ environment: { SAMSA_DATA: shop.data } }).config);
    assert.deepEqual(
      [catalogue, log].map((path) => existsSync(`${path}-wal`)),
      [false, false],
    );
    assert.equal(await shop.changesInLog(), 5_000);
  });

  test('fails when every row was skipped, and not when there was none', async (shop) => {
    const [skipped, empty] = [join(shop.folder, 'skipped.csv'), join(shop.folder, 'empty.csv')];
    await writeFile(skipped, 'id,title\nbroken\n7,\n');
    await writeFile(empty, 'id,title\n');
    const { code, out, err } = await shop.run({ file: skipped });
    assert.equal(code, 1);
    assert.match(out, /^2 rows: 0 added, 0 updated, 0 unchanged, 2 skipped/);
    assert.match(err, /^skipped:\n {2}line 2: .*\n {2}line 3: /);
    assert.equal((await shop.run({ file: empty })).code, 0);
  });

  test('takes the source from the name of the file unless it is given', async (shop) => {
    const [one, two] = [join(shop.folder, 'one.csv'), join(shop.folder, 'two.csv')];
    await writeFile(one, 'id,title\n1,Emma\n');
    await writeFile(two, 'id,title\n1,Persuasion\n');
    await shop.run({ file: one });
    assert.match((await shop.run({ file: two })).out, /1 added/);
    assert.match((await shop.run({ file: two, source: 'one' })).out, /1 updated/);
  });

  test('refuses what is no list of books, and leaves no data folder behind', async (shop) => {
    const missing = await shop.run({ file: join(shop.folder, 'none.csv') });
    assert.equal(missing.code, 1);
    assert.match(missing.err, /none\.csv: there is no such file/);
    assert.equal((await shop.run({ file: shop.folder })).code, 1);
    assert.equal(existsSync(shop.data), false);
  });

  test('refuses a source that is the shop’s own, or no name', async (shop) => {
    const file = join(shop.folder, 'books.csv');
    await writeFile(file, csv);
    for (const source of ['demo', '', 'x'.repeat(101), 'a\nb']) {
      assert.equal((await shop.run({ file, source })).code, 1, source);
    }
  });

  test('says so when the data folder cannot be used', async (shop) => {
    const file = join(shop.folder, 'books.csv');
    await writeFile(file, csv);
    await writeFile(shop.data, 'a file');
    const { code, err } = await shop.run({ file });
    assert.equal(code, 1);
    assert.match(err, /^samsa: .*data/);
  });

  test('leaves no half-written line on a terminal', async (shop) => {
    const file = join(shop.folder, 'books.csv');
    await writeFile(file, `id,title\n${Array.from({ length: 5_000 }, (_, at) => `${at},Title ${at}`).join('\n')}\n`);
    const { shown } = await shop.run({ file }, true);
    assert.ok(shown === '' || shown.endsWith('\r\u001B[2K'));
    assert.ok(!shown.includes('\n'));
  });
});
