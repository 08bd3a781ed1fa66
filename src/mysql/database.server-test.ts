import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import type { TestDatabase } from '../../test/servers/database-server.ts';
import { startMariaDb } from '../../test/servers/mariadb.ts';
import { openMysql, type MysqlDatabase, type MysqlOptions } from './database.ts';

const server = await startMariaDb();
after(server.stop);

describe('a MySQL database', () => {
  let place: TestDatabase;
  let folder: string;
  const opened: MysqlDatabase[] = [];

  beforeEach(async () => {
    place = await server.createDatabase();
    folder = makeTemporaryFolder();
    await writeFile(join(folder, '001-word.sql'), 'CREATE TABLE word (id INT PRIMARY KEY, word VARBINARY(200));');
  });
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close();
  });

  const open = async (options: Partial<MysqlOptions> = {}, at: TestDatabase = place): Promise<MysqlDatabase> => {
    const migrations = [{ name: 'words', folder: pathToFileURL(`${folder}/`) }];
    const database = await openMysql(at, { migrations, ...options });
    opened.push(database);
    return database;
  };
  const wordsOf = (database: MysqlDatabase): Promise<unknown[]> =>
    database.read(async (connection) => {
      const rows = await connection.rows('SELECT word FROM word ORDER BY id');
      return rows.map((row) => String(row['word']));
    });

  it('creates its tables once when many open it together', async () => {
    await writeFile(
      join(folder, '002-first.sql'),
      "INSERT INTO word VALUES (1, 'once'); INSERT INTO word VALUES (2, 'too');",
    );
    const [database] = await Promise.all([open(), open(), open(), open()]);
    assert.deepEqual(await wordsOf(database), ['once', 'too']);
    await writeFile(join(folder, '003-second.sql'), "INSERT INTO word VALUES (3, 'later');");
    assert.deepEqual(await wordsOf(await open()), ['once', 'too', 'later']);
  });

  it('refuses tables that a newer program created', async () => {
    await writeFile(join(folder, '002-first.sql'), 'SELECT 1;');
    await open();
    await rm(join(folder, '002-first.sql'));
    await assert.rejects(open(), { code: 'state-too-new', message: /version 1 or older .* words, found version 2/ });
  });

  it('says what is wrong with db.dsn, without its password', async () => {
    await assert.rejects(open({}, { ...place, user: 'nobody', password: 'xyzzy' }), ({ code, message }) => {
      assert.deepEqual([code, String(message).includes('xyzzy')], ['bad-configuration', false]);
      return true;
    });
    await assert.rejects(open({}, { ...place, database: 'missing' }), {
      code: 'bad-configuration',
      message: /missing/,
    });
    await assert.rejects(open({}, { ...place, port: 1 }), { code: 'store-unavailable', retryable: true });
  });

  it('keeps text and bytes as they are', async () => {
    const database = await open();
    const words = ['blank ', 'blank', 'o\'clock \\ " `', 'nul \0 and \u{1f4d6}', ''];
    await database.transaction((connection) =>
      connection.insert(
        'INSERT INTO word VALUES ?',
        words.map((word, id) => [id, word]),
      ),
    );
    assert.deepEqual(await wordsOf(database), words);
    const bytes = Buffer.from(Array.from({ length: 200 }, (_, index) => (index * 7) % 256));
    await database.transaction((connection) => connection.change('UPDATE word SET word = ? WHERE id = 0', [bytes]));
    const [row] = await database.connected((connection) => connection.rows('SELECT word FROM word WHERE id = 0'));
    assert.deepEqual(row?.['word'], bytes);
  });

  it('does not depend on what the server sets for its clients', async () => {
    await server.ask("CREATE OR REPLACE USER shop@'127.0.0.1'");
    await server.ask(`GRANT ALL ON ${place.database}.* TO shop@'127.0.0.1'`);
    const settings = [
      "SET NAMES latin1, sql_mode = 'ORACLE,NO_BACKSLASH_ESCAPES', sql_select_limit = 2, sql_safe_updates = 1",
      "completion_type = 1, unique_checks = 0, time_zone = '+05:30', autocommit = 0",
    ].join(', ');
    await server.ask(`SET GLOBAL init_connect = "${settings}"`);
    try {
      const database = await open({}, { ...place, user: 'shop' });
      const words = ["o'clock \\", '\u{1f4d6}', 'third'];
      await database.connected((connection) =>
        connection.change('CREATE TABLE text (id INT, word TEXT) CHARACTER SET utf8mb4'),
      );
      await database.transaction((connection) =>
        connection.insert(
          'INSERT INTO text VALUES ?',
          words.map((word, id) => [id, word]),
        ),
      );
      const read = await database.connected((connection) => connection.rows('SELECT word FROM text ORDER BY id'));
      assert.deepEqual(
        read.map(({ word }) => word),
        words,
      );
      const [row] = await database.connected((connection) =>
        connection.rows('SELECT HEX(word) AS bytes, @@in_transaction AS inside FROM text WHERE id = 1'),
      );
      assert.deepEqual(row, { bytes: 'F09F9396', inside: 0 });
      assert.equal(await database.transaction((connection) => connection.change("UPDATE text SET word = ''")), 3);
    } finally {
      await server.ask("SET GLOBAL init_connect = ''");
    }
  });

  it('undoes a transaction that throws', async () => {
    const database = await open();
    const failing = database.transaction(async (connection) => {
      await connection.change("INSERT INTO word VALUES (1, 'x')");
      throw new Error('no');
    });
    await assert.rejects(failing, { message: 'no' });
    assert.deepEqual(await wordsOf(database), []);
  });

  it('sends a queued statement together with the next one, and rolls back both when one fails', async () => {
    const database = await open();
    await database.transaction(async (connection) => {
      await connection.queueRows('INSERT INTO word VALUES ?', [[1, "a; 'b' ?"]]);
      connection.queue('UPDATE word SET word = CONCAT(word, ?) WHERE id = ?', ['; c', 1]);
      const both = await connection.rowsOfEach([
        { sql: 'SELECT word FROM word WHERE id = ?', values: [1] },
        { sql: 'SELECT COUNT(*) AS n FROM word', values: [] },
      ]);
      assert.deepEqual(
        both.flat().map((row) => String(row['word'] ?? row['n'])),
        ["a; 'b' ?; c", '1'],
      );
      await connection.queueRows('INSERT INTO word VALUES ?', [[2, 'b']]);
      await connection.queueRows('INSERT INTO word VALUES ?', []);
    });
    assert.deepEqual(await wordsOf(database), ["a; 'b' ?; c", 'b']);

    const failing = database.transaction(async (connection) => {
      await connection.queueRows('INSERT INTO word VALUES ?', [[3, 'c']]);
      await connection.queueRows('INSERT INTO word VALUES ?', [[1, 'again']]);
    });
    await assert.rejects(failing, { errno: 1062 });
    const giving = database.transaction(async (connection) => {
      await connection.queueRows('INSERT INTO word VALUES ?', [[3, 'c']]);
      throw new Error('no');
    });
    await assert.rejects(giving, { message: 'no' });
    assert.deepEqual(await wordsOf(database), ["a; 'b' ?; c", 'b']);
    await database.connected((connection) => connection.queueRows('INSERT INTO word VALUES ?', [[3, 'c']]));
    assert.deepEqual(await wordsOf(database), ["a; 'b' ?; c", 'b', 'c']);
  });

  it('runs a transaction again when a queued statement meets a deadlock', async () => {
    const database = await open();
    await database.transaction((connection) => connection.change("INSERT INTO word VALUES (1, ''), (2, '')"));
    let begun = 0;
    const bothHold = Promise.withResolvers<void>();
    const append = (first: number, second: number) =>
      database.transaction(async (connection) => {
        await connection.change("UPDATE word SET word = CONCAT(word, 'x') WHERE id = ?", [first]);
        if (++begun === 2) bothHold.resolve();
        await bothHold.promise;
        connection.queue("UPDATE word SET word = CONCAT(word, 'x') WHERE id = ?", [second]);
      });
    await Promise.all([append(1, 2), append(2, 1)]);
    assert.equal(begun, 3);
    assert.deepEqual(await wordsOf(database), ['xx', 'xx']);
  });

  it('runs a transaction again after a deadlock', async () => {
    const database = await open();
    await database.transaction((connection) => connection.change("INSERT INTO word VALUES (1, ''), (2, '')"));
    let begun = 0;
    let bothHold = (): void => {};
    const both = new Promise<void>((resolve) => {
      bothHold = resolve;
    });
    const append = (first: number, second: number) =>
      database.transaction(async (connection) => {
        await connection.change("UPDATE word SET word = CONCAT(word, 'x') WHERE id = ?", [first]);
        if (++begun === 2) bothHold();
        await both;
        await connection.change("UPDATE word SET word = CONCAT(word, 'x') WHERE id = ?", [second]);
      });
    await Promise.all([append(1, 2), append(2, 1)]);
    assert.equal(begun, 3);
    assert.deepEqual(await wordsOf(database), ['xx', 'xx']);
  });

  it('uses no more connections than allowed, and ends them all', async () => {
    const database = await open({ connections: 2 });
    const work = Array.from({ length: 20 }, () => database.transaction(async (connection) => connection.id));
    assert.equal(new Set(await Promise.all(work)).size, 2);
    const late = Array.from({ length: 5 }, () => database.read((connection) => connection.rows('SELECT SLEEP(60)')));
    const refused = Promise.all(late.map((one) => assert.rejects(one, { code: 'store-unavailable' })));
    await opened.pop()?.close();
    await refused;
    await assert.rejects(
      database.connected((connection) => connection.rows('SELECT 1')),
      { message: /closed/ },
    );
  });

  it('goes on after an idle connection was ended, without an error', async () => {
    const database = await open({ connections: 2 });
    const session = database.session();
    const idOf = (run: Pick<MysqlDatabase, 'transaction'>): Promise<number> =>
      run.transaction(async (connection) => {
        await connection.rows('SELECT 1');
        return connection.id;
      });
    const ids = [await idOf(database), await idOf(session)];
    for (const id of new Set(ids)) await server.ask(`KILL ${id}`);
    const later = [await idOf(database), await idOf(session)];
    assert.equal(
      later.some((id) => ids.includes(id)),
      false,
    );
  });

  it('is unavailable while the server is gone, and available when it is back', async () => {
    const database = await open();
    await database.transaction((connection) => connection.change("INSERT INTO word VALUES (1, 'kept')"));
    const cut = database.transaction(async (connection) => {
      await connection.change("INSERT INTO word VALUES (2, 'lost')");
      await server.kill();
      await connection.change("INSERT INTO word VALUES (3, 'lost')");
    });
    await assert.rejects(cut, { code: 'store-unavailable', retryable: true });
    await server.restart();
    assert.deepEqual(await wordsOf(database), ['kept']);
  });

  it('is unavailable while the server does not answer, and can be closed then', async () => {
    const database = await open({ timeoutMs: 100 });
    const session = database.session();
    await session.transaction((connection) => connection.change("INSERT INTO word VALUES (1, 'kept')"));
    server.freeze();
    try {
      await assert.rejects(
        session.transaction((connection) => connection.change("INSERT INTO word VALUES (2, 'lost')")),
        { code: 'store-unavailable', retryable: true },
      );
      await opened.pop()?.close();
    } finally {
      server.thaw();
    }
    assert.deepEqual(await wordsOf(await open()), ['kept']);
  });
});
