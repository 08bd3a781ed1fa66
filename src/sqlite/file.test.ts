import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { watchStatements } from '../../test/support/kill-at-statement.ts';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import { openSqlite, type SqliteDatabase } from './connection.ts';
import { isInUse, placeSqliteFile, removeSqliteFile, replaceSqliteFile } from './file.ts';

let beforeStatement: (point: string) => void = () => {};
watchStatements((point) => beforeStatement(point));

const open = (path: string): SqliteDatabase =>
  openSqlite(path, { migrations: [{ name: 'test', steps: ['CREATE TABLE page (text)'] }], busyTimeoutMs: 0 });

function write(path: string, text: string): SqliteDatabase {
  const database = open(path);
  database.prepare('INSERT INTO page VALUES (?)').run(text);
  return database;
}

function read(path: string): unknown {
  const database = open(path);
  try {
    return database.prepare('SELECT text FROM page').get()?.['text'];
  } finally {
    database.close();
  }
}

type Files = { readonly path: string; readonly by: string; readonly keepAs: string };

function test(name: string, body: (files: Files) => void): void {
  it(name, async () => {
    const folder = makeTemporaryFolder();
    try {
      body({ path: join(folder, 'state'), by: join(folder, 'state.new'), keepAs: join(folder, 'state.old') });
    } finally {
      beforeStatement = () => {};
    }
  });
}

const mayReplace = (): void => {};

describe('a SQLite file that is replaced', () => {
  test('is kept whole under the third name, again and again', ({ path, by, keepAs }) => {
    write(path, 'one').close();
    for (const [old, text] of [
      ['one', 'two'],
      ['two', 'three'],
    ]) {
      write(by, text!).close();
      replaceSqliteFile(path, { by, keepAs, mayReplace });
      assert.deepEqual([read(path), read(keepAs), existsSync(by)], [text, old, false]);
    }
  });

  test('stays while a process has it open', ({ path, by, keepAs }) => {
    const holder = write(path, 'one');
    write(by, 'two').close();
    assert.equal(isInUse(path), true);
    assert.throws(() => replaceSqliteFile(path, { by, keepAs, mayReplace }), { code: 'already-running' });
    assert.deepEqual([read(path), existsSync(keepAs), read(by)], ['one', false, 'two']);
    holder.close();
    assert.equal(isInUse(path), false);
    replaceSqliteFile(path, { by, keepAs, mayReplace });
    assert.equal(read(path), 'two');
  });

  test('stays when it may not be replaced, and no process can change it meanwhile', ({ path, by, keepAs }) => {
    write(path, 'one').close();
    write(by, 'two').close();
    const refusing = (): never => {
      assert.throws(() => open(path), { code: 'store-unavailable' });
      throw new Error('better not');
    };
    assert.throws(() => replaceSqliteFile(path, { by, keepAs, mayReplace: refusing }), /better not/);
    assert.deepEqual([read(path), existsSync(keepAs)], ['one', false]);
  });

  test('is not opened by a process that was about to open it', ({ path, by, keepAs }) => {
    write(path, 'one').close();
    write(by, 'two').close();
    beforeStatement = (point) => {
      if (!point.endsWith('PRAGMA journal_mode = WAL')) return;
      beforeStatement = () => {};
      replaceSqliteFile(path, { by, keepAs, mayReplace });
    };
    assert.equal(read(path), 'two');
    assert.equal(read(keepAs), 'one');
  });

  test('is placed only where there is no file yet', ({ path, by }) => {
    write(by, 'one').close();
    placeSqliteFile(path, by);
    assert.deepEqual([read(path), existsSync(by)], ['one', false]);
    write(by, 'two').close();
    assert.throws(() => placeSqliteFile(path, by), { code: 'data-folder-unusable' });
    assert.equal(read(path), 'one');
    removeSqliteFile(by);
    assert.equal(existsSync(by), false);
  });
});
