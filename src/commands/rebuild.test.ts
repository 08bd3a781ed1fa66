import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { joinLog, readWithOlderProgram, searchRecord } from '../../test/support/older-program.ts';
import { runCommand, type Said } from '../../test/support/run-command.ts';
import { spawnSamsa, startShop } from '../../test/support/start-shop.ts';
import { tasteState } from '../../test/support/taste-state.ts';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import { trendState } from '../../test/support/trend-state.ts';
import { until } from '../../test/support/until.ts';
import { loadConfig, type Config } from '../config/config.ts';
import tidyLog from '../log/sqlite/retention.ts';
import type { EventLog } from '../log/log.ts';
import { openLog } from '../log/open-log.ts';
import { dayMs } from '../runtime/time.ts';
import type { CommandContext } from './command-context.ts';
import { discardDeadLetters } from './dead-letters.ts';
import { rebuildCommand, type RebuildOptions } from './rebuild.ts';
import { logLocation, shopFiles, type ShopFiles } from './state/shop-locations.ts';
import { statusCommand } from './status.ts';

type Shop = {
  readonly config: Config;
  readonly files: ShopFiles;
  readonly log: EventLog;
  readonly run: (command: (context: CommandContext) => Promise<number>) => Promise<Said>;
  readonly rebuild: (what: string, options?: RebuildOptions) => Promise<Said>;
  readonly search: (...queries: readonly string[]) => Promise<void>;
  /** Reads as a program that cannot read queries beginning with `refused`. */
  readonly read: (refused?: string) => Promise<void>;
};

const answer = '[{"id":1,"title":"Emma","author":"Jane Austen"}]';

function test(name: string, body: (shop: Shop) => Promise<void>): void {
  it(name, async () => {
    const folder = makeTemporaryFolder();
    const { config } = loadConfig({ environment: { SAMSA_DATA: join(folder, 'data') } });
    const log = await joinLog(config);
    const run: Shop['run'] = (command) => runCommand(config, command);
    try {
      await body({
        config,
        files: shopFiles(config),
        log,
        run,
        rebuild: (what, options = {}) => run((context) => rebuildCommand(context, what, options, { write: () => {} })),
        search: async (...queries) => {
          await log.append(queries.map((query, at) => searchRecord(config, query, `reader${at % 5}`, answer)));
        },
        read: (refused = '\u0000') => readWithOlderProgram(config, log, refused),
      });
    } finally {
      await log.close();
    }
  });
}

function change(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

const equal = (what: string): string => `${what}: equal to the live state\n${what}: the new state is in place\n`;
const leftovers = (path: string): boolean => ['', '-wal', '-shm'].some((end) => existsSync(`${path}.rebuild${end}`));

describe('samsa rebuild', () => {
  test('builds equal states from the log, and keeps the old ones', async ({ rebuild, search, read, files }) => {
    await search('emma', 'emma', 'dracula', 'ulysses');
    await read();
    await search('emma', 'moby dick');
    await read();
    const before = [trendState(files.trend), tasteState(files.recommendation)];
    for (const what of ['trend', 'recommendation']) {
      const said = await rebuild(what);
      assert.deepEqual([said.code, said.out], [0, equal(what)]);
      assert.match(said.err, /the old state is kept as .*\.before-rebuild /);
    }
    assert.deepEqual([trendState(files.trend), tasteState(files.recommendation)], before);
    assert.equal(trendState(`${files.trend}.before-rebuild`), before[0]);
    assert.ok(!leftovers(files.trend));
    assert.equal((await rebuild('trend')).out, equal('trend'));
  });

  test('reads on to the end of the log, and compares where the live state stood', async (shop) => {
    const { rebuild, search, read, run } = shop;
    await search('emma', 'dracula');
    await read();
    await search('emma', 'ulysses');
    assert.equal((await rebuild('trend')).out, equal('trend'));
    const { out } = await run((context) => statusCommand(context, { json: true }));
    const { projections } = JSON.parse(out) as { projections: { name: string; lag_events: number }[] };
    assert.deepEqual(
      projections.map(({ name, lag_events }) => [name, lag_events]),
      [
        ['trend-svr', 0],
        ['rec-svr', 2],
      ],
    );
  });

  test('says what differs, leaves it with --check, and repairs it without', async ({
    rebuild,
    search,
    read,
    files,
  }) => {
    await search('Emma', 'dracula', 'ulysses');
    await read();
    const before = [trendState(files.trend), tasteState(files.recommendation)];
    change(files.trend, "DELETE FROM hourly; UPDATE spelling SET readers = 9 WHERE label = 'Emma'");
    change(files.recommendation, "DELETE FROM search WHERE query = 'Emma'");
    const broken = trendState(files.trend);
    const differs = [
      'trend: differs: table hourly, 0 rows only in the live state, 3 only in the new one',
      'trend: differs: table daily, 0 rows only in the live state, 3 only in the new one',
      'trend: differs: table spelling, 1 rows only in the live state, 1 only in the new one',
    ];
    assert.deepEqual(await rebuild('trend', { check: true }), {
      code: 1,
      out: `${[...differs, 'trend: only compared, the live state is as it was'].join('\n')}\n`,
      err: '',
    });
    assert.equal(trendState(files.trend), broken);
    assert.ok(!leftovers(files.trend));
    const repaired = await rebuild('trend');
    assert.deepEqual(
      [repaired.code, repaired.out],
      [0, `${[...differs, 'trend: the new state is in place'].join('\n')}\n`],
    );
    assert.match(
      (await rebuild('recommendation')).out,
      /table search, 0 rows only in the live state, 1 only in the new/,
    );
    assert.deepEqual([trendState(files.trend), tasteState(files.recommendation)], before);
    assert.equal((await rebuild('trend', { check: true })).code, 0);
  });

  test('rebuilds states that cannot be compared: diverged, outdated, of another group, damaged, missing', async (shop) => {
    const { rebuild, search, read, files } = shop;
    await search('emma', 'dracula', 'ulysses');
    await read();
    const before = trendState(files.trend);
    const broken = [
      ['UPDATE position SET fingerprint = 0 WHERE next_offset > 0', /not comparable .* diverged from the log/],
      [
        'UPDATE position SET next_offset = next_offset + 7, log_end = log_end + 7',
        /not comparable .* diverged from the log/,
      ],
      ["UPDATE position SET topic_id = 'another'", /not comparable .* was deleted and created again/],
      ['UPDATE projection SET version = 0', /not comparable .* version 0, this program makes version 4/],
      ["INSERT INTO projection VALUES ('another-group', 1)", /not comparable .* what another-group counted/],
      ['DROP TABLE spelling', /not comparable .* no such table/],
      ['DROP TABLE position', /not comparable .* expected the state of a service/],
    ] as const;
    for (const [sql, says] of broken) {
      change(files.trend, `${sql}; DELETE FROM hourly`);
      const said = await rebuild('trend');
      assert.equal(said.code, 0, sql);
      assert.match(said.out, says);
      assert.equal(trendState(files.trend), before, sql);
    }
    await rm(files.trend);
    assert.match((await rebuild('trend')).out, /there was no state yet/);
    assert.equal(trendState(files.trend), before);
    change(files.trend, 'UPDATE projection SET version = 99');
    await assert.rejects(rebuild('trend'), { code: 'state-too-new' });
  });

  test('rebuilds a file that is not a database', async ({ rebuild, search, read, files }) => {
    await search('emma');
    await read();
    const before = trendState(files.trend);
    await rm(files.trend);
    await writeFile(files.trend, 'x'.repeat(10_000));
    assert.match((await rebuild('trend')).out, /not comparable .* not a database\ntrend: the new state is in place/);
    assert.equal(trendState(files.trend), before);
    assert.equal(await readFile(`${files.trend}.before-rebuild`, 'utf8'), 'x'.repeat(10_000));
  });

  test('reads what was unreadable, but not what was discarded', async ({ rebuild, search, read, run, files }) => {
    await search('new one', 'emma', 'new two');
    await read('new');
    const discarded = await run((context) =>
      discardDeadLetters(context, [], { reason: 'new one', projection: 'trend' }),
    );
    assert.match(discarded.out, /^1 dead letter: 1 discarded/);
    assert.match((await rebuild('trend')).out, /1 dead letters of the live state can be read now/);
    assert.ok(trendState(files.trend).includes('new two'));
    assert.ok(!trendState(files.trend).includes('new one'));
    assert.equal((await rebuild('trend')).out, equal('trend'));
  });

  test('leaves the live state alone when somebody discards from it meanwhile', async (shop) => {
    const { config, rebuild, search, read, files } = shop;
    await search('new one', 'emma');
    await read('new');
    const before = trendState(files.trend);
    const print = (): void => change(files.trend, "UPDATE dead_letter SET status = 'discarded', settled_ms = 1");
    const context = { config, print, warn: () => {} };
    await assert.rejects(rebuildCommand(context, 'trend', {}, { write: () => {} }), { message: /rebuild again/ });
    assert.equal(trendState(files.trend), before);
    assert.ok(!leftovers(files.trend));
    assert.equal((await rebuild('trend')).out, equal('trend'));
  });

  test('compares only what the log still has events of', async ({ config, rebuild, read, files }) => {
    const nowMs = Date.now();
    for (const [query, daysAgo] of [
      ['old', 36],
      ['emma', 20],
    ] as const) {
      const then = await openLog(logLocation(config), {
        clock: () => nowMs - daysAgo * dayMs,
        busyTimeoutMs: 5_000,
      });
      await then.append([0, 1, 2].map((reader) => searchRecord(config, query, `reader${reader}`, answer)));
      await then.close();
    }
    await read();
    assert.ok(trendState(files.trend).includes('old'));
    await tidyLog(files.log, new AbortController().signal);
    for (const what of ['trend', 'recommendation']) assert.equal((await rebuild(what)).out, equal(what));
    assert.ok(!trendState(files.trend).includes('old'));
    change(files.trend, 'DELETE FROM last_search');
    assert.match((await rebuild('trend', { check: true })).out, /^trend: differs: table answer, 0 rows only/);
  });

  test('refuses while a service has the state open, but compares', async ({ config, log, run, rebuild, search }) => {
    await search('emma', 'dracula');
    const shop = await startShop(config.data);
    try {
      await until('all is counted', async () => {
        const { out } = await run((context) => statusCommand(context, { json: true }));
        const { projections } = JSON.parse(out) as { projections: { lag_events: number }[] };
        return projections.length === 3 && projections.every(({ lag_events }) => lag_events === 0);
      });
      await assert.rejects(rebuild('trend'), { code: 'already-running', message: /trend@.* has it open\. Stop/ });
      await assert.rejects(rebuild('recommendation'), { code: 'already-running', message: /recommendation@/ });
      await assert.rejects(rebuild('search'), { code: 'already-running', message: /samsa all/ });
      let checked = false;
      const [said] = await Promise.all([
        rebuild('trend', { check: true }).finally(() => (checked = true)),
        (async () => {
          for (let at = 0; !checked && at < 20_000; at++)
            await log.append([searchRecord(config, 'emma', `r${at}`, answer)]);
        })(),
      ]);
      assert.deepEqual([said.code, said.out.split('\n')[0]], [0, 'trend: equal to the live state']);
    } finally {
      await shop.stop('SIGTERM');
    }
    assert.equal((await rebuild('trend')).out, equal('trend'));
    assert.equal((await rebuild('recommendation')).out, equal('recommendation'));
  });

  test('leaves the live state alone when it is killed, and starts over', async ({
    config,
    log,
    rebuild,
    read,
    files,
  }) => {
    for (let round = 0; round < 20; round++) {
      const searches = Array.from({ length: 1_000 }, (_, at) =>
        searchRecord(config, `query ${at}`, `r${round}`, answer),
      );
      await log.append(searches);
    }
    await read();
    const before = trendState(files.trend);
    const killed = spawnSamsa(['rebuild', 'trend'], config.data);
    try {
      await until('some of it is built', () => {
        const draft = `${files.trend}.rebuild`;
        if (!existsSync(draft)) return false;
        const database = new DatabaseSync(draft, { readOnly: true });
        try {
          return database.prepare('SELECT 1 FROM position WHERE next_offset > 0').get() !== undefined;
        } catch {
          return false;
        } finally {
          database.close();
        }
      });
    } finally {
      killed.process.kill('SIGKILL');
      await killed.ended;
    }
    assert.ok(existsSync(`${files.trend}.rebuild`), killed.output());
    assert.equal(trendState(files.trend), before);
    assert.equal((await rebuild('trend')).out, equal('trend'));
    assert.ok(!leftovers(files.trend));
  });

  test('removes the search index of a stopped shop, which rebuilds it', async ({ config, rebuild, files }) => {
    const found = async (): Promise<number> => {
      const shop = await startShop(config.data);
      try {
        let hits = 0;
        await until('a book is found', async () => {
          const response = await fetch(`${shop.web}/search?q=emma`, {
            headers: { accept: 'application/json' },
            signal: AbortSignal.timeout(5_000),
          });
          hits = JSON.stringify(await response.json()).length;
          return hits > 50;
        });
        return hits;
      } finally {
        await shop.stop('SIGTERM');
      }
    };
    const before = await found();
    assert.equal((await rebuild('search')).code, 0);
    assert.equal(existsSync(files.searchIndex), false);
    assert.equal(await found(), before);
    await assert.rejects(rebuild('search', { check: true }), { code: 'bad-request' });
  });

  test('sends books to the log again that it has lost', async ({ config, rebuild, files, log }) => {
    const titles = async (change?: (web: string) => Promise<unknown>): Promise<readonly string[]> => {
      const shop = await startShop(config.data);
      try {
        await change?.(shop.web);
        const found = async () => (await fetch(`${shop.web}/api/books?q=emma`)).json() as Promise<{ title: string }[]>;
        await until('a book is found', async () => (await found()).length > 0);
        return (await found()).map(({ title }) => title);
      } finally {
        await shop.stop('SIGTERM');
      }
    };
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ title: 'Emma Again' });
    const before = await titles((web) => fetch(`${web}/api/books`, { method: 'POST', headers, body }));
    assert.ok(before.includes('Emma Again'));
    await log.close();
    const loseLog = async (): Promise<void> => {
      for (const end of ['', '-wal', '-shm']) await rm(`${files.log}${end}`, { force: true });
      await (await joinLog(config)).close();
    };
    await loseLog();
    assert.match((await rebuild('search')).out, /^737 books were not in the log/);
    assert.deepEqual(await titles(), before);
    await loseLog();
    assert.deepEqual(await titles(), before, 'from the old index');
    assert.deepEqual(await titles(), before);
    assert.doesNotMatch((await rebuild('search')).out, /not in the log/);
  });

  test('refuses what it cannot build', async ({ rebuild }) => {
    await assert.rejects(rebuild('books'), {
      code: 'bad-request',
      message: /expected trend, recommendation or search/,
    });
  });
});
