import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { createConnection } from 'mysql2/promise';
import { startMariaDb } from './mariadb.ts';

const server = await startMariaDb();
after(server.stop);

describe('a MariaDB for tests', () => {
  it('keeps what was committed when it is killed and restarted', async () => {
    const { database } = await server.createDatabase();
    await server.ask(`CREATE TABLE ${database}.word (word VARCHAR(20) NOT NULL)`);
    await server.ask(`INSERT INTO ${database}.word VALUES ('kept')`);
    await server.kill();
    await assert.rejects(server.ask('SELECT 1'), { code: 'ECONNREFUSED' });
    await server.restart();
    assert.deepEqual(await server.ask(`SELECT word FROM ${database}.word`), [{ word: 'kept' }]);
  });

  it('answers nothing while frozen, and everything afterwards', async () => {
    const { dsn } = await server.createDatabase();
    server.freeze();
    await assert.rejects(createConnection({ uri: dsn, connectTimeout: 100 }), { code: 'ETIMEDOUT' });
    server.thaw();
    assert.deepEqual(await server.ask('SELECT 1 AS one'), [{ one: 1 }]);
  });
});
