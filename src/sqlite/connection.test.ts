import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import { SamsaError } from '../errors.ts';
import { openSqlite } from './connection.ts';
import { isBusy } from './errors.ts';

const steps = ['CREATE TABLE page (number INTEGER PRIMARY KEY)', 'INSERT INTO page VALUES (1)'];
const named = (...list: readonly string[]) => [{ name: 'test', steps: list }];
const migrations = named(...steps);

/** Opens the file at a given time, as other processes do, and prints how many rows the migrations left. */
const opener = `
  const { openSqlite } = await import(${JSON.stringify(new URL('./connection.ts', import.meta.url).href)});
  const [path, atMs] = process.argv.slice(1);
  while (Date.now() < Number(atMs));
  const database = openSqlite(path, { migrations: ${JSON.stringify(migrations)}, busyTimeoutMs: 50 });
  process.exitCode = database.prepare('SELECT count(*) AS rows FROM page').get().rows === 1 ? 0 : 3;
  database.close();`;

async function openAt(path: string, atMs: number): Promise<number | null> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', opener, path, String(atMs)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

void describe('SQLite database', () => {
  const test = (behaviour: string, body: (path: string) => void | Promise<void>): void => {
    void it(behaviour, { timeout: 60_000 }, async () => {
      const folder = makeTemporaryFolder();
      await body(join(folder, 'file.sqlite'));
    });
  };

  test('is created once when several processes open a new file at the same moment', async (path) => {
    const atMs = Date.now() + 700;
    const codes = await Promise.all(Array.from({ length: 6 }, () => openAt(path, atMs)));
    assert.deepEqual(codes, [0, 0, 0, 0, 0, 0]);
  });

  test('reports that others are writing, and that a retry can help', (path) => {
    const options = { migrations, busyTimeoutMs: 0 };
    const holder = openSqlite(path, options);
    const other = openSqlite(path, options);
    holder.transaction(() => {
      assert.throws(
        () => other.transaction(() => {}),
        (error) =>
          error instanceof SamsaError && error.code === 'store-unavailable' && error.retryable && isBusy(error),
      );
    });
    other.close();
    holder.close();
  });

  test('starts its write-ahead log over at the length it was given', (path) => {
    const database = openSqlite(path, {
      migrations: named('CREATE TABLE page (body BLOB)'),
      busyTimeoutMs: 50,
      checkpointBytes: 256 << 10,
    });
    for (let commit = 0; commit < 50; commit++) {
      database.transaction(() => database.prepare('INSERT INTO page VALUES (zeroblob(50000))').run());
    }
    const walBytes = statSync(`${path}-wal`).size;
    assert.ok(walBytes > 256 << 10 && walBytes < 512 << 10, `${walBytes} bytes`);
    database.close();
  });

  test('refuses a file that a newer program wrote', (path) => {
    openSqlite(path, { migrations: named(...steps, 'INSERT INTO page VALUES (2)'), busyTimeoutMs: 0 }).close();
    assert.throws(
      () => openSqlite(path, { migrations, busyTimeoutMs: 0 }),
      (error) => error instanceof SamsaError && error.code === 'state-too-new',
    );
  });

  const damaged = (error: unknown): boolean =>
    error instanceof SamsaError &&
    error.code === 'store-damaged' &&
    /damaged .* backup .* samsa rebuild/.test(error.message);

  test('explains how to recover from a file that is not a database', (path) => {
    writeFileSync(path, 'x'.repeat(9_000));
    assert.throws(() => openSqlite(path, { migrations, busyTimeoutMs: 0 }), damaged);
  });

  test('explains how to recover from a file that was cut off', (path) => {
    openSqlite(path, { migrations: named(...steps, 'CREATE TABLE word (word)'), busyTimeoutMs: 0 }).close();
    truncateSync(path, 4096);
    assert.throws(() => {
      const database = openSqlite(path, { migrations: named(...steps, 'CREATE TABLE word (word)'), busyTimeoutMs: 0 });
      database.prepare('SELECT * FROM page').all();
    }, damaged);
  });

  test('explains how to recover from damaged pages, whatever statement meets them', (path) => {
    const schema = ['CREATE TABLE page (body)', "INSERT INTO page SELECT value FROM json_each('[1, 2, 3]')"];
    openSqlite(path, { migrations: named(...schema), busyTimeoutMs: 0 }).close();
    const file = openSync(path, 'r+');
    writeSync(file, Buffer.alloc(statSync(path).size - 8192, 0xee), 0, undefined, 8192);
    closeSync(file);
    const database = openSqlite(path, { migrations: named(...schema), busyTimeoutMs: 0 });
    assert.throws(() => database.prepare('SELECT * FROM page').all(), damaged);
    assert.throws(() => database.prepare('SELECT count(*) FROM page').get(), damaged);
    assert.throws(() => database.prepare('DELETE FROM page WHERE body = 1').run(), damaged);
    assert.throws(() => database.transaction(() => database.prepare('INSERT INTO page VALUES (4)').run()), damaged);
    database.close();
  });

  test('goes on after the full-text index has written rows whose ids are too large for a number', (path) => {
    const schema = "CREATE VIRTUAL TABLE found USING fts5 (words, content = '', contentless_delete = 1)";
    const database = openSqlite(path, { migrations: named(schema, 'CREATE TABLE page (number)'), busyTimeoutMs: 50 });
    const add = database.prepare('INSERT INTO found (rowid, words) VALUES (?, ?)');
    database.transaction(() => {
      for (let id = 1; id <= 300; id++) add.run(id, 'beetle');
    });
    const remove = database.prepare('DELETE FROM found WHERE rowid = ?');
    for (const id of [1, 2]) {
      assert.equal(database.transaction(() => remove.run(id)).changes, 1);
    }
    assert.ok(Number(remove.run(1_000).lastInsertRowid) > Number.MAX_SAFE_INTEGER);
    assert.deepEqual(database.prepare('INSERT INTO page VALUES (7), (8)').run(), { changes: 2, lastInsertRowid: 2 });
    assert.equal(database.prepare("SELECT count(*) AS n FROM found ('beetle')").get()?.['n'], 298);
    database.close();
  });
});
