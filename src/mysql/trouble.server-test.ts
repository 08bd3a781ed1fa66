import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import type { DatabaseServer, TestDatabase } from '../../test/servers/database-server.ts';
import { startMariaDb } from '../../test/servers/mariadb.ts';
import { until } from '../../test/support/until.ts';
import type { SamsaError } from '../errors.ts';
import type { MysqlAddress } from './connection.ts';
import { openMysql, type MysqlDatabase, type MysqlOptions } from './database.ts';
import { createMysqlProgress, progressMigrations } from '../progress/mysql/progress.ts';

const migrations = [progressMigrations];

async function opened<Result>(
  address: MysqlAddress,
  options: Partial<MysqlOptions>,
  body: (database: MysqlDatabase) => Promise<Result>,
): Promise<Result> {
  const database = await openMysql(address, { migrations, ...options });
  try {
    return await body(database);
  } finally {
    await database.close();
  }
}

const ask = (database: MysqlDatabase): Promise<unknown> =>
  database.connected((connection) => connection.rows('SELECT COUNT(*) AS n FROM state.position'));

const answers = (database: MysqlDatabase): Promise<boolean> =>
  ask(database).then(
    () => true,
    () => false,
  );

describe('a MySQL database that is away when a program starts', () => {
  let server: DatabaseServer;
  let place: TestDatabase;
  const said: (string | null)[] = [];
  const onProblem = (problem: SamsaError | null): void => void said.push(problem?.code ?? null);
  before(async () => {
    server = await startMariaDb();
    place = await server.createDatabase();
  });
  after(() => server.stop());

  it('is opened anyway, reports once, and is prepared once when the server answers', async () => {
    await server.kill();
    await opened(place, { onProblem }, async (database) => {
      const unavailable = { code: 'store-unavailable', retryable: true, message: /127\.0\.0\.1/ };
      for (let use = 0; use < 50; use++) await assert.rejects(ask(database), unavailable);
      assert.deepEqual(said, ['store-unavailable']);
      await server.restart();
      await until('it answers', () => answers(database));
      await Promise.all([ask(database), ask(database)]);
      assert.deepEqual(said.splice(0), ['store-unavailable', null]);
    });
  });

  it('throws for a command, which does not wait', async () => {
    await server.kill();
    try {
      await assert.rejects(openMysql(place, { migrations }), { code: 'store-unavailable', retryable: true });
    } finally {
      await server.restart();
    }
  });

  it('reports bad settings also when they show only later', async () => {
    await server.kill();
    await opened({ ...place, database: 'missing' }, { onProblem }, async (database) => {
      await server.restart();
      const failsWith = (code: string) =>
        ask(database).then(
          () => false,
          (error: unknown) => (error as SamsaError).code === code,
        );
      await until('it is known', () => failsWith('bad-configuration'));
      assert.deepEqual(said.splice(0), ['store-unavailable', 'bad-configuration']);
      await server.ask('CREATE DATABASE missing');
      await until('it answers', () => answers(database));
      assert.deepEqual(said.splice(0), [null]);
    });
  });

  it('throws at once when only other settings can help, also with `onProblem`', async () => {
    const wrong = { ...place, user: 'nobody', password: 'x' };
    await assert.rejects(openMysql(wrong, { migrations, onProblem }), { code: 'bad-configuration' });
    await server.ask("CREATE USER reader@'127.0.0.1'");
    await server.ask(`GRANT SELECT ON ${place.database}.* TO reader@'127.0.0.1'`);
    await assert.rejects(openMysql({ ...place, user: 'reader', tablePrefix: 'x_' }, { migrations, onProblem }), {
      code: 'bad-configuration',
      message: /grants/,
    });
  });

  it('can be closed while it is away', async () => {
    await server.kill();
    const away = await openMysql(place, { migrations, onProblem });
    await away.close();
    await assert.rejects(ask(away), { code: 'store-unavailable' });
    await server.restart();
  });
});

describe('a MySQL database that cannot write', () => {
  const commit = {
    projection: 'p',
    instance: 'i',
    topic: 't',
    partition: 0,
    expected: 0,
    next: 1,
    end: 1,
    arrivedMs: 1,
    fingerprint: null,
    outcomes: { applied: 1, duplicate: 0, dead: 0, late: 0, gap: 0, compacted: 0 },
    changes: ['x'],
    deadLetters: [],
    marks: new Map(),
  };
  const partitions = [{ topic: 't', partition: 0, topicId: 'i', start: 0, end: 1 }];
  const lease = { projection: 'p', version: 1, instance: 'i', ttlMs: 60_000, partitions };

  it('is unavailable while it is read-only, and goes on afterwards', async () => {
    const server = await startMariaDb();
    try {
      const place = await server.createDatabase();
      await server.ask("CREATE USER shop@'127.0.0.1'");
      await server.ask(`GRANT ALL ON ${place.database}.* TO shop@'127.0.0.1'`);
      await opened({ ...place, user: 'shop' }, {}, async (database) => {
        const progress = createMysqlProgress<string>(database, async () => {});
        await progress.lease(lease);
        await server.ask('SET GLOBAL read_only = 1');
        const readOnly = { code: 'store-unavailable', retryable: true, message: /read-only/ };
        await assert.rejects(progress.commit(commit), readOnly);
        assert.equal((await progress.positions('p'))[0]?.next, 0);
        await server.ask('SET GLOBAL read_only = 0');
        assert.equal(await progress.commit(commit), true);
      });
    } finally {
      await server.stop();
    }
  });

  it('is unavailable while it is full, and goes on afterwards', async () => {
    const server = await startMariaDb(['--max-heap-table-size=16384']);
    try {
      await opened(await server.createDatabase(), {}, async (database) => {
        await database.connected((connection) =>
          connection.change('CREATE TABLE word (word VARBINARY(1000)) ENGINE = MEMORY'),
        );
        const progress = createMysqlProgress<string>(database, async (words, { connection }) => {
          await connection.insert(
            'INSERT INTO word VALUES ?',
            words.map((word) => [word]),
          );
        });
        await progress.lease(lease);
        const full = { code: 'store-unavailable', retryable: true, message: /full/ };
        const changes = Array.from({ length: 100_000 }, () => 'x');
        await assert.rejects(progress.commit({ ...commit, changes }), full);
        assert.equal((await progress.positions('p'))[0]?.next, 0);
        assert.deepEqual(await progress.deadLetters({ limit: 1 }), []);
        await database.connected((connection) => connection.change('DELETE FROM word'));
        assert.equal(await progress.commit(commit), true);
      });
    } finally {
      await server.stop();
    }
  });
});

describe('a MySQL database behind encryption', () => {
  let folder: string;
  let server: DatabaseServer;
  let place: TestDatabase;
  let ca: string;
  const certificate = async (name: string, host: string): Promise<{ key: string; cert: string }> => {
    const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
    const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${host}`];
    const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert];
    await promisify(execFile)('openssl', ['req', '-x509', '-days', '2', ...made, ...subject]);
    return { key, cert };
  };
  before(async () => {
    folder = makeTemporaryFolder();
    const { key, cert } = await certificate('server', 'IP:127.0.0.1');
    server = await startMariaDb([
      '--bind-address=127.0.0.1,127.0.0.2',
      `--ssl-key=${key}`,
      `--ssl-cert=${cert}`,
      `--ssl-ca=${cert}`,
    ]);
    place = await server.createDatabase();
    ca = await readFile(cert, 'utf8');
  });
  after(async () => {
    await server.stop();
  });

  it('is reached by a connection that is encrypted', async () => {
    const cipher = await opened({ ...place, tls: { ca } }, {}, (database) =>
      database.transaction((connection) => connection.rows("SHOW SESSION STATUS LIKE 'Ssl_cipher'")),
    );
    assert.notEqual(cipher[0]?.['Value'], '');
    const plain = await opened(place, {}, (database) =>
      database.connected((connection) => connection.rows("SHOW SESSION STATUS LIKE 'Ssl_cipher'")),
    );
    assert.equal(plain[0]?.['Value'], '');
  });

  it('is refused when its certificate is missing or for another host', async () => {
    const refused = { code: 'bad-configuration', message: /db\.tls/ };
    await assert.rejects(openMysql({ ...place, tls: {} }, { migrations }), refused);
    const other = await certificate('other', 'IP:127.0.0.1');
    await assert.rejects(
      openMysql({ ...place, tls: { ca: await readFile(other.cert, 'utf8') } }, { migrations }),
      refused,
    );
    await assert.rejects(openMysql({ ...place, host: 'localhost', tls: { ca } }, { migrations }), refused);
    await assert.rejects(openMysql({ ...place, host: '127.0.0.2', tls: { ca } }, { migrations }), refused);
  });

  it('accepts a user who must use encryption and a client certificate', async () => {
    const { key, cert } = { key: join(folder, 'server.key'), cert: join(folder, 'server.pem') };
    await server.ask("CREATE USER secret@'127.0.0.1' REQUIRE X509");
    await server.ask(`GRANT ALL ON ${place.database}.* TO secret@'127.0.0.1'`);
    const address = { ...place, user: 'secret' };
    await assert.rejects(openMysql(address, { migrations }), { code: 'bad-configuration' });
    const tls = { ca, key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
    await opened({ ...address, tls }, {}, ask);
  });

  it('is refused when it does not offer encryption', async () => {
    const plain = await startMariaDb(['--skip-ssl']);
    try {
      const address = { ...(await plain.createDatabase()), tls: { ca } };
      await assert.rejects(openMysql(address, { migrations }), { code: 'bad-configuration', message: /secure/ });
    } finally {
      await plain.stop();
    }
  });
});
