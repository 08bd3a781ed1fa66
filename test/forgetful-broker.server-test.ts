import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { bookSearchedRecord } from '../src/events/book-searched.ts';
import { createEventSource } from '../src/events/envelope.ts';
import { defaultTopicNames as topics } from '../src/events/topics.ts';
import { openLog } from '../src/log/open-log.ts';
import type { EventLog } from '../src/log/log.ts';
import { startBroker, type Broker } from './servers/kafka-broker.ts';
import { reasonsOf, statusOf } from './support/ask-shop.ts';
import { kafkaLocation } from './support/kafka-location.ts';
import { replayTrend } from './support/replay.ts';
import { startService, type Service } from './support/start-service.ts';
import { spawnSamsa } from './support/start-shop.ts';
import { makeTemporaryFolder } from './support/temporary-folder.ts';
import { trendState } from './support/trend-state.ts';
import { until } from './support/until.ts';

const limits = { timeout: 300_000 };
const patienceMs = 60_000;

let broker: Broker;
let folder: string;
before(async () => {
  folder = makeTemporaryFolder();
  broker = await startBroker();
});
after(async () => {
  await broker.stop();
});

const settings = ({ brokers }: Broker) => ({ SAMSA_MQ_BROKERS: brokers.join(',') });

async function withLog<Result>(of: Broker, use: (log: EventLog) => Promise<Result>): Promise<Result> {
  const log = await openLog(kafkaLocation(of.brokers), { clock: Date.now, busyTimeoutMs: 1_000 });
  try {
    return await use(log);
  } finally {
    await log.close();
  }
}

/** `count` searches for queries of this name, by as many readers. */
function search(of: Broker, name: string, count: number): Promise<void> {
  const source = createEventSource('test', Date.now);
  return withLog(of, async (log) => {
    const records = Array.from({ length: count }, (_, number) => {
      const value = Buffer.from(JSON.stringify([{ id: 1, title: `${name} ${number % 50}`, author: 'A. Nonymous' }]));
      const found = { query: `${name} ${number % 50}`, value, reader: `reader-${number}`, weight: 1 } as const;
      return bookSearchedRecord(topics.searches, source, { ...found, corrected: null, total: 1 });
    });
    await log.append(records);
  });
}

/** Waits until the counts in the data folder are those of a replay of the log. */
async function countsTheLog(of: Broker, data: string): Promise<void> {
  const path = join(data, 'replayed.sqlite');
  await rm(path, { force: true });
  await withLog(of, (log) => replayTrend(log, topics.searches, path));
  const expected = trendState(path);
  await until(
    'the counts are those of a replay',
    () => trendState(join(data, 'trend.sqlite')) === expected,
    patienceMs,
  );
}

it('says that a broker has come back with older records, and goes on after a rebuild', limits, async () => {
  const [data, older] = [join(folder, 'diverged'), join(folder, 'older')];
  let trend = await startService('trend', data, settings(broker));
  const goBack = async (): Promise<void> => {
    await broker.kill();
    await rm(broker.folder, { recursive: true });
    await cp(older, broker.folder, { recursive: true });
    await broker.restart();
  };
  try {
    await search(broker, 'before', 400);
    await countsTheLog(broker, data);
    await broker.node(0).shutDown();
    await cp(broker.folder, older, { recursive: true });
    await broker.restart();
    await search(broker, 'lost', 400);
    await countsTheLog(broker, data);

    await goBack();
    await until('it is noticed', async () => (await reasonsOf(trend.url)).includes('diverged'), patienceMs);
    assert.match(trend.output(), /lost its end.*samsa rebuild.*"msg":"diverged"/);
    await search(broker, 'after', 1_000);
    assert.ok((await reasonsOf(trend.url)).includes('diverged'));
    assert.equal(await trend.stop(), 0);
    const rebuilt = spawnSamsa(['rebuild', 'trend'], data, settings(broker));
    assert.equal(await rebuilt.ended, 0, rebuilt.output());
    trend = await startService('trend', data, settings(broker));
    await countsTheLog(broker, data);
    assert.deepEqual(await reasonsOf(trend.url), []);

    // Nobody sees the log while it is shorter than what was read.
    assert.equal(await trend.stop(), 0);
    await goBack();
    await search(broker, 'other', 3_000);
    trend = await startService('trend', data, settings(broker));
    await until('it is noticed', async () => (await reasonsOf(trend.url)).includes('diverged'), patienceMs);
  } finally {
    await trend.kill();
  }
});

it(
  'says that brokers have elected a leader without the latest records, and goes on after a rebuild',
  limits,
  async () => {
    const data = join(folder, 'unclean');
    // The third node keeps no copy; without it no majority of controllers could elect a leader.
    const cluster = await startBroker({ nodes: 3 });
    const environment = { ...settings(cluster), SAMSA_MQ_PARTITIONS: '1', SAMSA_MQ_REPLICATION: '2' };
    let trend = await startService('trend', data, environment);
    try {
      await cluster.setTopic(topics.searches, {
        'min.insync.replicas': '1',
        'unclean.leader.election.enable': 'true',
      });
      await search(cluster, 'before', 400);
      await countsTheLog(cluster, data);
      const leader = await cluster.leaderOf(topics.searches, 0);
      const follower = (await cluster.replicasOf(topics.searches, 0)).find((node) => node !== leader)!;
      await cluster.node(follower).kill();
      await search(cluster, 'lost', 400);
      await countsTheLog(cluster, data);
      await cluster.node(leader).kill();
      await cluster.node(follower).start();
      const isElected = async (): Promise<boolean> =>
        (await cluster.leaderOf(topics.searches, 0).catch(() => -1)) === follower;
      await until('the other node leads', isElected, patienceMs);

      await until('it is noticed', async () => (await reasonsOf(trend.url)).includes('diverged'), patienceMs);
      await cluster.restart();
      await search(cluster, 'after', 1_000);
      assert.ok((await reasonsOf(trend.url)).includes('diverged'));
      assert.equal(await trend.stop(), 0);
      const rebuilt = spawnSamsa(['rebuild', 'trend'], data, environment);
      assert.equal(await rebuilt.ended, 0, rebuilt.output());
      trend = await startService('trend', data, environment);
      await countsTheLog(cluster, data);
      assert.deepEqual(await reasonsOf(trend.url), []);
    } finally {
      await trend.kill();
      await cluster.stop();
    }
  },
);

it('counts one cluster when services of two clusters share a group id and a state', limits, async () => {
  const data = join(folder, 'two');
  const another = await startBroker();
  const services: Service[] = [];
  try {
    services.push(await startService('trend', data, settings(broker)));
    await search(broker, 'ours', 500);
    await countsTheLog(broker, data);
    await search(another, 'theirs', 500);
    const second = await startService('trend', data, settings(another));
    services.push(second);
    await until('it is said', async () => (await reasonsOf(second.url)).includes('topic-replaced'), patienceMs);
    await search(another, 'theirs again', 500);
    await search(broker, 'ours again', 500);
    await countsTheLog(broker, data);
    assert.deepEqual(await reasonsOf(services[0]!.url), []);
  } finally {
    for (const service of services) await service.kill();
    await another.stop();
  }
});

it('counts as a gap what a topic lost before it was read', limits, async () => {
  const data = join(folder, 'cut');
  const first = await startService('trend', data, settings(broker));
  try {
    await search(broker, 'read', 200);
    await countsTheLog(broker, data);
    assert.equal(await first.stop(), 0);
    await search(broker, 'cut', 300);
    await broker.deleteRecords(topics.searches);
    await search(broker, 'kept', 100);
  } finally {
    await first.kill();
  }
  const trend = await startService('trend', data, settings(broker));
  try {
    await until('all is counted', async () => {
      const [found] = (await statusOf(data, settings(broker))).projections;
      const gap = found!.ledger.reduce((sum, { outcomes }) => sum + outcomes.gap, 0);
      return found!.lag_events === 0 && found!.balanced && gap === 300;
    });
    assert.deepEqual(await reasonsOf(trend.url), []);
  } finally {
    await trend.kill();
  }
});
