import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { createConnection } from 'mysql2/promise';
import { pino } from 'pino';
import type { TestDatabase } from '../../../test/servers/database-server.ts';
import { startMariaDb } from '../../../test/servers/mariadb.ts';
import { joinLog, readWithOlderProgram, searchRecord } from '../../../test/support/older-program.ts';
import { runCommand, type Said } from '../../../test/support/run-command.ts';
import { makeTemporaryFolder } from '../../../test/support/temporary-folder.ts';
import { loadConfig, type Config } from '../../config/config.ts';
import { leasesLock } from '../../progress/mysql/progress.ts';
import type { EventLog } from '../../log/log.ts';
import type { CommandContext } from '../command-context.ts';
import { runProjection } from '../../projection/run-projection.ts';
import { openTrendStore } from '../../services/trend/state.ts';
import { createTrendProjection } from '../../services/trend/trend-projection.ts';
import { discardDeadLetters, listDeadLetters, redriveDeadLetters } from '../dead-letters.ts';
import { rebuildCommand, type RebuildOptions } from '../rebuild.ts';
import { stateLocation } from './shop-locations.ts';
import { statusCommand } from '../status.ts';

/** A shop whose log is here and whose states are in a database. */
type Shop = {
  readonly config: Config;
  readonly place: TestDatabase;
  readonly log: EventLog;
  readonly run: (command: (context: CommandContext) => Promise<number>, config?: Config) => Promise<Said>;
  readonly rebuild: (what: string, options?: RebuildOptions) => Promise<Said>;
  readonly search: (...queries: readonly string[]) => Promise<void>;
  /** Reads as a program that cannot read queries beginning with `refused`. */
  readonly read: (refused?: string, config?: Config) => Promise<void>;
  /** Rows of the database of the states. */
  readonly ask: (sql: string) => Promise<readonly Record<string, unknown>[]>;
};

const answer = '[{"id":1,"title":"Emma","author":"Jane Austen"}]';
const equal = (what: string): string => `${what}: equal to the live state\n${what}: the new state is in place\n`;

const server = await startMariaDb();
after(server.stop);

describe('states in MySQL', () => {
  const test = (name: string, body: (shop: Shop) => Promise<void>): void => {
    it(name, async () => {
      const folder = makeTemporaryFolder();
      const place = await server.createDatabase();
      const environment = { SAMSA_DATA: join(folder, 'data'), SAMSA_DB_DSN: place.dsn };
      const { config } = loadConfig({ environment });
      const log = await joinLog(config);
      const run: Shop['run'] = (command, as = config) => runCommand(as, command);
      try {
        await body({
          config,
          place,
          log,
          run,
          rebuild: (what, options = {}) =>
            run((context) => rebuildCommand(context, what, options, { write: () => {} })),
          search: async (...queries) => {
            await log.append(queries.map((query, at) => searchRecord(config, query, `reader${at % 5}`, answer)));
          },
          read: (refused = '\u0000', as = config) => readWithOlderProgram(as, log, refused),
          ask: async (sql) =>
            (await server.ask(sql.replaceAll('samsa.', `${place.database}.`))) as readonly Record<string, unknown>[],
        });
      } finally {
        await log.close();
      }
    });
  };

  type Status = { readonly name: string; readonly lag_events: number; readonly dead_letters: number };
  const statusOf = async ({ run }: Shop, config?: Config): Promise<readonly unknown[]> => {
    const { out } = await run((context) => statusCommand(context, { json: true }), config);
    const { projections } = JSON.parse(out) as { projections: readonly Status[] };
    return projections.map(({ name, lag_events, dead_letters }) => [name, lag_events, dead_letters]);
  };
  const searchesOf = async ({ ask }: Shop, prefix = 'trend_'): Promise<readonly unknown[]> => {
    const rows = await ask(
      `SELECT query_key AS q, searches AS n FROM samsa.${prefix}hourly JOIN samsa.${prefix}query ON id = query ORDER BY 1`,
    );
    return rows.map(({ q, n }) => [String(q), Number(n)]);
  };

  test('are shown by status, which creates none', async (shop) => {
    assert.deepEqual(await statusOf(shop), []);
    await assert.rejects(shop.ask('SELECT 1 FROM samsa.trend_position'), { code: 'ER_NO_SUCH_TABLE' });
    await shop.search('emma', 'bad', 'dracula');
    await shop.read('bad');
    await shop.search('ulysses');
    assert.deepEqual(await statusOf(shop), [
      ['trend-svr', 1, 1],
      ['rec-svr', 1, 1],
    ]);
    const { code, out } = await shop.run((context) => statusCommand(context, {}));
    assert.equal(code, 0);
    assert.match(out, /trend +127\.0\.0\.1:\d+\/samsa_\d+, tables trend_\*/);
  });

  test('have dead letters that can be listed, redriven and discarded', async (shop) => {
    await shop.search('bad one', 'bad two', 'emma');
    await shop.read('bad');
    const list = async (status: string): Promise<number> => {
      const { out } = await shop.run((context) => listDeadLetters(context, { json: true, status }));
      return (JSON.parse(out) as unknown[]).length;
    };
    assert.equal(await list('waiting'), 4);
    const one = { reason: 'bad one' };
    assert.match((await shop.run((context) => redriveDeadLetters(context, [], one))).out, /2 applied/);
    const two = { reason: 'bad two', projection: 'trend' };
    assert.match((await shop.run((context) => discardDeadLetters(context, [], two))).out, /1 discarded/);
    assert.deepEqual([await list('waiting'), await list('redriven'), await list('discarded')], [1, 2, 1]);
    assert.deepEqual(await searchesOf(shop), [
      ['bad one', 1],
      ['emma', 1],
    ]);
  });

  test('are apart for each group id: another one reads the log again into other tables', async (shop) => {
    await shop.search('emma', 'emma', 'dracula');
    await shop.read();
    const other = { ...shop.config, trend: { ...shop.config.trend, groupId: 'Zweite Lesung' } };
    await shop.read('dracula', other);
    const location = stateLocation(other, 'trend');
    const prefix = location.kind === 'mysql' ? (location.tablePrefix ?? '') : '';
    assert.deepEqual(await searchesOf(shop, prefix), [['emma', 2]]);
    assert.deepEqual(await searchesOf(shop), [
      ['dracula', 1],
      ['emma', 2],
    ]);
    assert.deepEqual((await statusOf(shop, other))[0], ['Zweite Lesung', 0, 1]);
    assert.deepEqual((await statusOf(shop))[0], ['trend-svr', 0, 0]);
  });

  test('are rebuilt beside the live ones, compared and put in their place', async (shop) => {
    await shop.search('emma', 'emma', 'dracula', 'ulysses');
    await shop.read();
    for (const what of ['trend', 'recommendation']) {
      const said = await shop.rebuild(what);
      assert.deepEqual([said.code, said.out], [0, equal(what)]);
      assert.match(said.err, new RegExp(`the old state is kept as tables ${what}_before_rebuild_\\*`));
    }
    await shop.search('emma');
    assert.equal((await shop.rebuild('trend')).out, equal('trend'));
    assert.deepEqual(await searchesOf(shop, 'trend_before_rebuild_'), [
      ['dracula', 1],
      ['emma', 2],
      ['ulysses', 1],
    ]);
    assert.deepEqual((await searchesOf(shop))[1], ['emma', 3]);
    assert.deepEqual(await statusOf(shop), [
      ['trend-svr', 0, 0],
      ['rec-svr', 1, 0],
    ]);
    const left = await shop.ask("SELECT 1 FROM information_schema.tables WHERE table_name LIKE 'trend\\_rebuild%'");
    assert.equal(left.length, 0);
  });

  test('are repaired, and left alone with --check', async (shop) => {
    await shop.search('Emma', 'dracula', 'ulysses');
    await shop.read();
    await shop.ask('DELETE FROM samsa.trend_hourly');
    await shop.ask("UPDATE samsa.trend_spelling SET readers = 9 WHERE label = 'Emma'");
    await shop.ask("DELETE FROM samsa.recommendation_search WHERE query = 'Emma'");
    const differs = [
      'trend: differs: table hourly, 0 rows only in the live state, 3 only in the new one',
      'trend: differs: table daily, 0 rows only in the live state, 3 only in the new one',
      'trend: differs: table spelling, 1 rows only in the live state, 1 only in the new one',
    ];
    assert.deepEqual(await shop.rebuild('trend', { check: true }), {
      code: 1,
      out: `${[...differs, 'trend: only compared, the live state is as it was'].join('\n')}\n`,
      err: '',
    });
    assert.deepEqual(await searchesOf(shop), []);
    assert.match((await shop.rebuild('recommendation')).out, /table search, 0 rows only .*, 1 only in the new one/);
    assert.equal((await shop.rebuild('recommendation', { check: true })).code, 0);
    assert.equal((await shop.rebuild('trend')).code, 0);
    assert.equal((await searchesOf(shop)).length, 3);
    assert.equal((await shop.rebuild('trend', { check: true })).code, 0);
  });

  test('of another version are refused by the service, and rebuilt', async (shop) => {
    await shop.search('emma');
    await shop.read();
    await shop.ask('UPDATE samsa.trend_projection SET version = 0');
    const location = stateLocation(shop.config, 'trend');
    const store = await openTrendStore(location, { clock: Date.now, busyTimeoutMs: 50, checkpointedElsewhere: false });
    try {
      const request = { projection: 'trend-svr', version: 1, instance: 'x', ttlMs: 1_000, partitions: [] };
      await assert.rejects(store.lease(request), { code: 'state-outdated', message: /samsa rebuild/ });
    } finally {
      await store.close();
    }
    assert.match((await shop.rebuild('trend')).out, /not comparable .* version 0, this program makes version 4/);
    assert.equal((await shop.rebuild('trend')).out, equal('trend'));
    await shop.ask('UPDATE samsa.trend_projection SET version = 99');
    await assert.rejects(shop.rebuild('trend'), { code: 'state-too-new' });
  });

  test('are not replaced while a service reads into them, but compared', async (shop) => {
    const { config, log } = shop;
    await shop.search('emma', 'dracula');
    const location = stateLocation(config, 'trend');
    const store = await openTrendStore(location, { clock: Date.now, busyTimeoutMs: 50, checkpointedElsewhere: false });
    const running = runProjection({
      log,
      progress: store,
      projection: createTrendProjection(config.trend.groupId, config.mq.topics),
      instance: 'trend@here',
      clock: Date.now,
      logger: pino({ level: 'silent' }),
      leaseTickMs: 20,
    });
    try {
      assert.equal(await running.caughtUp(10_000), true);
      await assert.rejects(shop.rebuild('trend'), {
        code: 'already-running',
        message: /trend@here has it open\. Stop/,
      });
      assert.equal((await shop.rebuild('trend', { check: true })).code, 0);
      await running.close();
      // Like an instance that was frozen long ago: not seen since, but still connected.
      await shop.ask("INSERT INTO samsa.trend_instance VALUES ('trend-svr', 'trend@here', 0)");
      await assert.rejects(shop.rebuild('trend'), {
        code: 'already-running',
        message: /trend@here has it open\. Stop/,
      });
    } finally {
      await running.close();
      await store.close();
    }
    assert.equal((await shop.rebuild('trend')).out, equal('trend'));
  });

  test('are left alone when somebody discards from them meanwhile', async (shop) => {
    await shop.search('new one', 'emma');
    await shop.read('new');
    const rows = await searchesOf(shop);
    // What the command waits for before it replaces anything.
    const { database } = shop.place;
    const somebody = await createConnection(shop.place.dsn);
    await somebody.query('DO GET_LOCK(?, 0)', [leasesLock(`${database}.trend_`, 'trend-svr')]);
    const discarding: Promise<unknown>[] = [];
    const print = (): void => {
      if (discarding.length > 0) return;
      const discarded = somebody
        .query("UPDATE trend_dead_letter SET status = 'discarded', settled_ms = 1")
        .then(() => somebody.end());
      discarding.push(discarded);
    };
    const context = { config: shop.config, print, warn: () => {} };
    await assert.rejects(rebuildCommand(context, 'trend', {}, { write: () => {} }), { message: /rebuild again/ });
    assert.equal((await Promise.all(discarding)).length, 1);
    assert.deepEqual(await searchesOf(shop), rows);
    assert.equal((await shop.rebuild('trend')).out, equal('trend'));
    assert.deepEqual(await searchesOf(shop), rows);
  });
});
