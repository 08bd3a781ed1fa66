import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isAllRead, statusOf } from './support/ask-shop.ts';
import { spawnSamsa, startShop, type Shop } from './support/start-shop.ts';
import { makeTemporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

type Trend = { readonly query: string; readonly readers: number; readonly searches: number; readonly hourly: number[] };

describe('samsa simulate', () => {
  let data = '';
  let shop: Shop;

  before(async () => {
    data = makeTemporaryFolder();
    shop = await startShop(data);
  });

  after(async () => {
    await shop.stop('SIGKILL');
  });

  const simulate = (...args: readonly string[]): ReturnType<typeof spawnSamsa> =>
    spawnSamsa(['simulate', ...args], data, { SAMSA_APP_PORT: new URL(shop.web).port });

  const trends = async (): Promise<readonly Trend[]> =>
    (await (await fetch(`${shop.trend}/trends?ps=100`)).json()) as readonly Trend[];

  /** The number of records in a topic, once every projection has read all of them. All ledgers balance. */
  const settledRecords = async (): Promise<(topic: string) => number> => {
    await until('everything is read', () => isAllRead(data));
    const { topics, projections } = await statusOf(data);
    for (const { name, balanced, dead_letters, ledger } of projections) {
      assert.ok(balanced, name);
      assert.equal(dead_letters, 0, name);
      assert.ok(
        ledger.every(({ outcomes }) => outcomes.late === 0),
        name,
      );
    }
    return (topic) => topics.find((each) => each.topic === topic)!.records;
  };

  const tallyOf = (output: string): { searches: number; actions: number; failures: number } => {
    const [, searches, actions, failures] = /([\d,]+) searches, ([\d,]+) actions, ([\d,]+) failures/.exec(output) ?? [];
    const number = (text: string | undefined): number => Number(text?.replaceAll(',', ''));
    return { searches: number(searches), actions: number(actions), failures: number(failures) };
  };

  it('is not limited as one client in a public shop, with the operator token', async () => {
    const place = makeTemporaryFolder();
    const environment = { SAMSA_APP_OPERATOR_TOKEN: 'a-token-of-this-test', SAMSA_APP_RATE_LIMIT: '20' };
    const open = await startShop(place, environment);
    try {
      const args = ['simulate', '--duration', '2', '--rate', '50', '--seed', '7'];
      const simulated = spawnSamsa(args, place, { ...environment, SAMSA_APP_PORT: new URL(open.web).port });
      assert.equal(await simulated.ended, 0, simulated.output());
      const { searches, failures } = tallyOf(simulated.output());
      assert.ok(searches > 20 && failures === 0, simulated.output());
    } finally {
      await open.stop('SIGKILL');
    }
  });

  it('sends searches and actions to a running shop, and each one is counted', async () => {
    const simulated = simulate('--duration', '2', '--rate', '200', '--seed', '7', '--burst', 'Walden');
    assert.equal(await simulated.ended, 0, simulated.output());
    const { searches, actions, failures } = tallyOf(simulated.output());
    assert.ok(searches > 50 && actions > 5, simulated.output());
    assert.equal(failures, 0);
    const recordsOf = await settledRecords();
    assert.equal(recordsOf('lr-book-searches'), searches);
    assert.equal(recordsOf('lr-reader-actions'), actions);
    await until('the hot query is the first trend', async () => (await trends())[0]?.query === 'Walden');
    assert.ok((await trends())[0]!.readers > 5);
  });

  it('appends a week of events to the log, with readers on each day', async () => {
    const before = (await settledRecords())('lr-book-searches');
    const simulated = simulate('--history', '--duration', '1', '--seed', '7');
    assert.equal(await simulated.ended, 0, simulated.output());
    const appended = Number(/([\d,]+) events of the last days/.exec(simulated.output())?.[1]?.replaceAll(',', ''));
    assert.ok(appended > 12_000);
    const recordsOf = await settledRecords();
    assert.equal(recordsOf('lr-book-searches'), before + 12_000 + tallyOf(simulated.output()).searches);
    const daysWithReaders = await Promise.all(
      (await trends()).map(async ({ query }) => {
        const history = await fetch(`${shop.trend}/trends/${encodeURIComponent(query)}`);
        const { daily } = (await history.json()) as { readonly daily: readonly number[] };
        return daily.slice(-7).filter((readers) => readers > 0).length;
      }),
    );
    assert.ok(Math.max(...daysWithReaders) >= 6, `days with readers: ${daysWithReaders.join()}`);
    const compared = spawnSamsa(['rebuild', 'trend', '--check'], data);
    assert.equal(await compared.ended, 0, compared.output());
  });

  it('continues after the shop was down, and stops at a signal', async () => {
    const { port } = new URL(shop.web);
    const simulated = simulate('--rate', '50', '--duration', '60');
    const searched = async (): Promise<number> =>
      (await statusOf(data)).topics.find(({ topic }) => topic === 'lr-book-searches')!.records;
    const searches = async (): Promise<void> => {
      const before = await searched();
      await until('it searches', async () => (await searched()) > before + 20);
    };
    try {
      await searches();
      await shop.stop('SIGKILL');
      shop = await startShop(data, { SAMSA_APP_PORT: port });
      await searches();
    } finally {
      simulated.process.kill('SIGTERM');
    }
    assert.equal(await simulated.ended, 0, simulated.output());
    assert.ok(tallyOf(simulated.output()).failures > 0, simulated.output());
  });

  it('says where it expected a shop, and refuses history for a remote log', async () => {
    const refused = async (message: RegExp, environment: Record<string, string>, ...args: string[]): Promise<void> => {
      const command = spawnSamsa(['simulate', ...args], data, environment);
      assert.notEqual(await command.ended, 0);
      assert.match(command.output(), message);
      assert.doesNotMatch(command.output(), /\n\s+at /, 'no stack trace');
    };
    const { port } = new URL(shop.web);
    await refused(/app\.port.*SAMSA_APP_PORT/, { SAMSA_APP_PORT: '0' });
    await refused(/127\.0\.0\.1:1: expected a bookshop/, { SAMSA_APP_PORT: '1' });
    await refused(/mq\.brokers/, { SAMSA_APP_PORT: port, SAMSA_MQ_BROKERS: 'kafka:9092' }, '--history');
    await refused(/--history.*nothing is there/, { SAMSA_APP_PORT: port, SAMSA_DATA: join(data, 'none') }, '--history');
    await refused(/--rate.*above 0/, {}, '--rate', '0');
  });
});
