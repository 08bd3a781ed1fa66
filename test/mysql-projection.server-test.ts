import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { pino } from 'pino';
import { openMysql, type MysqlDatabase, type MysqlOptions } from '../src/mysql/database.ts';
import { createMysqlProgress, progressMigrations } from '../src/progress/mysql/progress.ts';
import { text } from '../src/events/envelope.ts';
import type { EventLog } from '../src/log/log.ts';
import { openSqliteLog } from '../src/log/sqlite/log.ts';
import type { Projection } from '../src/projection/projection.ts';
import { runProjection, type RunningProjection } from '../src/projection/run-projection.ts';
import { makeTemporaryFolder } from './support/temporary-folder.ts';
import type { TestDatabase } from './servers/database-server.ts';
import { startDatabase } from './servers/start-database.ts';
import { until } from './support/until.ts';

const counting: Projection<string> = {
  name: 'word-counts',
  version: 1,
  reads: [
    {
      topic: 'words',
      compacted: false,
      repeats: 'dropped-by-sequence',
      fold: ({ value }) => text(value ?? Buffer.alloc(0)),
    },
  ],
};

const server = await startDatabase();
after(server.stop);

describe('a projection whose state is in MySQL', () => {
  let place: TestDatabase;
  let folder: string;
  let log: EventLog;
  let sent: number;
  const databases: MysqlDatabase[] = [];
  const running: RunningProjection[] = [];

  beforeEach(async () => {
    folder = makeTemporaryFolder();
    log = openSqliteLog(join(folder, 'log.sqlite'), { clock: Date.now, busyTimeoutMs: 1_000 });
    await log.create('words', { partitions: 4, retentionMs: 0, compacted: false });
    place = await server.createDatabase();
    await server.ask(`CREATE TABLE ${place.database}.word (word VARBINARY(50) PRIMARY KEY, seen INT NOT NULL)`);
    sent = 0;
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((projection) => projection.close()));
    await Promise.all(databases.splice(0).map((database) => database.close()));
    await log.close();
  });

  /** Opens separate connections, as another process would. */
  const run = async (instance: string, options: Partial<MysqlOptions> = {}): Promise<RunningProjection> => {
    const database = await openMysql(place, { migrations: [progressMigrations], timeoutMs: 500, ...options });
    databases.push(database);
    const progress = createMysqlProgress<string>(database, async (words, { connection }) => {
      await connection.insert(
        'INSERT INTO word VALUES ? ON DUPLICATE KEY UPDATE seen = seen + 1',
        words.map((word) => [word, 1]),
      );
    });
    const projection = runProjection({
      log,
      progress,
      projection: counting,
      instance,
      clock: Date.now,
      logger: pino({ level: 'silent' }),
      leaseMs: 1_000,
      leaseTickMs: 20,
    });
    running.push(projection);
    return projection;
  };
  const send = async (count: number): Promise<void> => {
    const records = Array.from({ length: count }, () => {
      const word = Buffer.from(`word ${sent++}`);
      return { topic: 'words', key: word, value: word, headers: [] };
    });
    await log.append(records);
  };
  const seen = async (): Promise<{ words: number; times: number }> => {
    const rows = await server.ask(
      `SELECT COUNT(*) AS words, CAST(COALESCE(MAX(seen), 0) AS SIGNED) AS times FROM ${place.database}.word`,
    );
    return (rows as { words: number; times: number }[])[0]!;
  };
  const everyWordOnce = async (): Promise<void> => {
    await until(`${sent} words`, async () => (await seen()).words === sent, 30_000);
    assert.deepEqual(await seen(), { words: sent, times: 1 });
  };

  it('counts every event once while instances start and stop', async () => {
    await run('a');
    await send(100);
    const second = await run('b');
    await send(100);
    await everyWordOnce();
    await second.close();
    await send(100);
    await everyWordOnce();
    await until('caught up', () => running[0]?.freshness().lagEvents === 0);
    assert.deepEqual(running[0]?.problems(), []);
  });

  it('counts every event once while the database server is killed', async () => {
    await run('a');
    await run('b');
    for (let round = 0; round < 3; round++) {
      await send(200);
      await until('some are counted', async () => (await seen()).words > sent - 200);
      await server.kill();
      await send(100);
      await server.restart();
      await everyWordOnce();
    }
  });

  it('counts every event once after the database has gone back to older data', async () => {
    await run('a');
    await send(100);
    await everyWordOnce();
    const tables = ['position', 'mark', 'word'].map((name) => `${place.database}.${name}`);
    for (const table of tables) {
      await server.ask(`CREATE TABLE ${table}_older LIKE ${table}`);
      await server.ask(`INSERT INTO ${table}_older SELECT * FROM ${table}`);
    }
    await send(100);
    await everyWordOnce();
    const moves = tables.map((table) => `${table} TO ${table}_newer, ${table}_older TO ${table}`);
    await server.ask(`RENAME TABLE ${moves.join(', ')}`);
    await send(100);
    await everyWordOnce();
  });

  it('starts while the database is down, and counts every event once when it is up', async () => {
    await server.kill();
    const said: (string | null)[] = [];
    const onProblem: MysqlOptions['onProblem'] = (problem) => void said.push(problem?.code ?? null);
    const projections = [await run('a', { onProblem }), await run('b', { onProblem: () => {} })];
    await send(100);
    for (const { problems } of projections) {
      await until('the problem is said', () => problems().includes('store-unavailable'));
    }
    await server.restart();
    await everyWordOnce();
    for (const { problems } of projections) await until('it is over', () => problems().length === 0);
    assert.deepEqual(said, ['store-unavailable', null]);
  });

  it('reports that the database does not answer, and continues when it does', async () => {
    const projection = await run('a');
    await send(50);
    await everyWordOnce();
    server.freeze();
    try {
      await send(50);
      await until('the problem is said', () => projection.problems().includes('store-unavailable'));
    } finally {
      server.thaw();
    }
    await everyWordOnce();
    await until('it is over', () => projection.problems().length === 0);
  });
});
