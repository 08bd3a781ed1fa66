import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { defaultTopicNames as topics } from '../src/events/topics.ts';
import { openLog } from '../src/log/open-log.ts';
import { startBroker } from './servers/kafka-broker.ts';
import { startDatabase } from './servers/start-database.ts';
import { kafkaLocation } from './support/kafka-location.ts';
import { readWholeTopic } from './support/read-whole-topic.ts';
import { spawnSamsa } from './support/start-shop.ts';
import { startService, type Service } from './support/start-service.ts';
import { visitSteadily, type Visit } from './support/steady-readers.ts';
import { projectFolder } from './support/structure.ts';
import { makeTemporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

/** `REPEAT=5 PER_SECOND=150 npm run test:servers` is the long form: 300 searches a second, five rounds. */
const rounds = Number(process.env['REPEAT'] ?? 1);
const perSecond = Number(process.env['PER_SECOND'] ?? 50);
const settleMs = 500;
/** Longer than a lease. */
const frozenMs = 7_000;
const databaseAwayMs = 4_000;
const settledWithinMs = 120_000;

const [broker, database] = await Promise.all([startBroker(), startDatabase()]);
after(() => Promise.all([broker.stop(), database.stop()]));

type Everybody = {
  readonly webs: readonly Service[];
  readonly trends: readonly Service[];
  readonly recommendations: readonly Service[];
};

it(
  'counts every search once while six processes on Kafka and one database are killed',
  { timeout: 900_000 },
  async (t) => {
    const folder = makeTemporaryFolder();
    const { dsn } = await database.createDatabase();
    const environment = {
      SAMSA_MQ_BROKERS: broker.brokers.join(','),
      SAMSA_DB_DSN: dsn,
      SAMSA_APP_SECRET: 'one secret for all of them',
    };
    await command(['import', join(projectFolder, 'demo/classics.csv')], join(folder, 'import'), environment);
    const { webs, trends, recommendations } = await startEverybody(folder, environment);
    const everybody = [...webs, ...trends, ...recommendations];
    try {
      await until('books are found everywhere', async () => (await Promise.all(webs.map(findsDracula))).every(Boolean));
      const visits = await visitBoth(webs, async () => {
        for (let round = 0; round < rounds; round++) await makeTrouble({ webs, trends, recommendations });
      });
      for (const { failures } of visits) {
        assert.deepEqual(
          failures.filter((failure) => !/fetch failed|terminated/.test(failure)),
          [],
        );
      }
      const answered = visits.flatMap((visit) => visit.answered);
      const { records, different } = await topicHolds(answered);
      await until('all is counted', () => isCounted(dsn, records), settledWithinMs);
      const { applied, duplicate } = await ledgerOf(dsn);
      assert.deepEqual(
        { applied, applied_and_duplicate: applied + duplicate },
        { applied: different, applied_and_duplicate: records },
      );
      await until(
        'the outbox is empty',
        async () => (await count(dsn, 'SELECT count(*) AS n FROM catalogue_outbox')) === 0,
      );
      t.diagnostic(
        `${visits[0]!.answered.length} and ${visits[1]!.answered.length} searches answered, ` +
          `${visits.flatMap(({ failures }) => failures).length} met a killed process; ${different} events, ` +
          `${duplicate} of them sent twice; p99 ${visits[0]!.p99} and ${visits[1]!.p99} ms`,
      );
      t.diagnostic(`a search is among the trends of both instances within ${await seenByBoth(webs[0]!, trends)} ms`);
      await until('the last searches are counted', async () => isCounted(dsn, (await topicHolds([])).records));
      for (const what of ['trend', 'recommendation']) {
        assert.match(
          await command(['rebuild', what, '--check'], join(folder, 'services'), environment),
          /equal to the live state/,
        );
      }
      assert.deepEqual(
        await Promise.all(everybody.map((service) => service.stop())),
        everybody.map(() => 0),
      );
    } finally {
      await Promise.all(everybody.map((service) => service.kill()));
    }
  },
);

async function startEverybody(folder: string, environment: Readonly<Record<string, string>>): Promise<Everybody> {
  const services = join(folder, 'services');
  const [trend, otherTrend, recommendation, otherRecommendation] = await Promise.all([
    startService('trend', services, environment),
    startService('trend', services, environment),
    startService('recommendation', services, environment),
    startService('recommendation', services, environment),
  ]);
  const remote = { SAMSA_REMOTE_TREND_URL: trend.url, SAMSA_REMOTE_RECOMMENDATION_URL: recommendation.url };
  const webs = await Promise.all(
    ['web-1', 'web-2'].map((name) => startService('web', join(folder, name), { ...environment, ...remote })),
  );
  return { webs, trends: [trend, otherTrend], recommendations: [recommendation, otherRecommendation] };
}

function visitBoth(webs: readonly Service[], during: () => Promise<void>): Promise<readonly Visit[]> {
  const over = during();
  return Promise.all(webs.map(({ url }, index) => visitSteadily(url, { name: `at ${index}`, perSecond }, () => over)));
}

/** Kills each process once, freezes one for longer than its lease, and kills and restarts the database. */
async function makeTrouble({ webs, trends, recommendations }: Everybody): Promise<void> {
  for (const service of [...webs, ...trends, ...recommendations]) {
    await delay(settleMs);
    await service.replace();
  }
  trends[0]!.freeze();
  await delay(frozenMs);
  trends[0]!.thaw();
  await delay(settleMs);
  await database.kill();
  await delay(databaseAwayMs);
  await database.restart();
  await delay(settleMs);
}

async function findsDracula({ url }: Service): Promise<boolean> {
  const answer = await fetch(`${url}/api/suggest?q=dracula`);
  const { books } = (await answer.json()) as { readonly books: readonly unknown[] };
  return books.length > 0;
}

/** Everything answered is in the topic. What was sent twice has the same id both times. */
async function topicHolds(answered: readonly string[]): Promise<{ records: number; different: number }> {
  const log = await openLog(kafkaLocation(broker.brokers), { clock: Date.now, busyTimeoutMs: 50 });
  try {
    const queries = new Map<string, string>();
    const missing = async (): Promise<readonly string[]> => {
      queries.clear();
      for (const { key, headers } of await readWholeTopic(log, topics.searches)) {
        const id = [...headers].find(([name]) => name === 'ce_id')?.[1];
        queries.set(Buffer.from(id ?? []).toString(), Buffer.from(key ?? []).toString());
      }
      const sent = new Set(queries.values());
      return answered.filter((query) => !sent.has(query));
    };
    await until('what was answered is in the topic', async () => (await missing()).length === 0, settledWithinMs);
    const { partitions } = await log.describe(topics.searches);
    return { records: partitions.reduce((sum, { start, end }) => sum + end - start, 0), different: queries.size };
  } finally {
    await log.close();
  }
}

async function isCounted(dsn: string, records: number): Promise<boolean> {
  return (await count(dsn, 'SELECT SUM(next_offset) AS n FROM trend_position')) === records;
}

async function ledgerOf(dsn: string): Promise<{ applied: number; duplicate: number }> {
  return {
    applied: await count(dsn, 'SELECT SUM(applied) AS n FROM trend_position'),
    duplicate: await count(dsn, 'SELECT SUM(duplicate) AS n FROM trend_position'),
  };
}

async function count(dsn: string, sql: string): Promise<number> {
  const connection = await createConnection(dsn);
  try {
    const [rows] = await connection.query(sql);
    return Number((rows as { n: unknown }[])[0]?.n);
  } finally {
    await connection.end();
  }
}

/** @returns the longest time from the answer of a search until both instances counted it. */
async function seenByBoth(web: Service, trends: readonly Service[]): Promise<number> {
  let longestMs = 0;
  for (const query of ['emma', 'alice', 'ulysses', 'carmilla', 'walden']) {
    await (await fetch(`${web.url}/api/books?q=${query}`)).arrayBuffer();
    const answeredMs = performance.now();
    await Promise.all(
      trends.map(({ url }) =>
        until(`${query} is a trend`, async () => (await fetch(`${url}/trends/${query}`)).status === 200),
      ),
    );
    longestMs = Math.max(longestMs, Math.round(performance.now() - answeredMs));
  }
  return longestMs;
}

/** @returns what the command printed. */
async function command(
  args: readonly string[],
  data: string,
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const run = spawnSamsa(args, data, environment);
  assert.equal(await run.ended, 0, run.output());
  return run.output();
}
