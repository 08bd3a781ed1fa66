import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, it, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { defaultTopicNames as topics } from '../src/events/topics.ts';
import { openLog } from '../src/log/open-log.ts';
import { startBroker, type Broker } from './servers/kafka-broker.ts';
import { kafkaLocation } from './support/kafka-location.ts';
import { readWholeTopic } from './support/read-whole-topic.ts';
import { replayTrend } from './support/replay.ts';
import { startShop, type Shop } from './support/start-shop.ts';
import { visitSteadily, type Visit } from './support/steady-readers.ts';
import { makeTemporaryFolder } from './support/temporary-folder.ts';
import { trendState } from './support/trend-state.ts';
import { until } from './support/until.ts';

/** `OUTAGE_SECONDS=60 npm run test:servers` is the long form. */
const outageMs = Number(process.env['OUTAGE_SECONDS'] ?? 4) * 1_000;
const perSecond = 200;
const caughtUpWithinMs = 60_000;

const broker = await startBroker();
after(broker.stop);

type Outage = { readonly name: string; readonly happen: (during: () => Promise<void>) => Promise<void> };

/** The ways in which a broker fails while readers search. */
function outagesOf({ node, kill, freeze, thaw, restart }: Broker): readonly Outage[] {
  return [
    {
      name: 'stopped',
      happen: async (during) => {
        await node(0).shutDown();
        await during();
        await restart();
      },
    },
    {
      name: 'killed',
      happen: async (during) => {
        await kill();
        await during();
        await restart();
      },
    },
    {
      name: 'frozen',
      happen: async (during) => {
        freeze();
        await during();
        thaw();
      },
    },
  ];
}

it(
  'answers every search while the broker is away, and counts each once afterwards',
  { timeout: 900_000 },
  async (t) => {
    const data = makeTemporaryFolder();
    const environment = { SAMSA_MQ_BROKERS: broker.brokers.join(',') };
    await broker.kill();
    const shop = await startShop(data, environment);
    const visits: Visit[] = [];
    const visit = async (name: string, during: () => Promise<void>): Promise<void> => {
      const made = await visitSteadily(shop.web, { name, perSecond }, during);
      tell(t, name, made);
      assert.deepEqual(made.failures, [], name);
      visits.push(made);
    };
    try {
      await visit('absent', async () => {
        await delay(outageMs);
        await broker.restart();
      });
      await caughtUp(shop, visits);
      await visit('baseline', () => delay(outageMs));
      for (const { name, happen } of outagesOf(broker)) {
        await visit(name, () => happen(() => delay(outageMs)));
        await caughtUp(shop, visits);
      }
      assert.equal(await shop.stop('SIGTERM'), 0, shop.output());
      await checkLog(data, visits);
    } finally {
      shop.process.kill('SIGKILL');
    }
  },
);

function tell(t: TestContext, name: string, { answered, failures, p50, p99 }: Visit): void {
  t.diagnostic(`${name}: ${answered.length} answered, ${failures.length} failed, p50 ${p50} ms, p99 ${p99} ms`);
}

/** The trend service has counted exactly the searches that were answered. */
async function caughtUp(shop: Shop, visits: readonly Visit[]): Promise<void> {
  const sent = visits.reduce((sum, { answered }) => sum + answered.length, 0);
  const applied = async (): Promise<number> => {
    const metrics = await (await fetch(`${shop.trend}/metrics`)).text();
    const lines = metrics.matchAll(/^samsa_projection_events\{[^}]*outcome="applied"[^}]*\} (\d+)$/gm);
    return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
  };
  try {
    await until(`${sent} searches are counted`, async () => (await applied()) === sent, caughtUpWithinMs);
  } catch (error) {
    throw new Error(`${await applied()} of them are, and the shop said at last:\n${shop.output().slice(-4_000)}`, {
      cause: error,
    });
  }
}

/** Every answered search is in the topic under one id, and the state equals that of a clean replay. */
async function checkLog(data: string, visits: readonly Visit[]): Promise<void> {
  const log = await openLog(kafkaLocation(broker.brokers), { clock: Date.now, busyTimeoutMs: 50 });
  try {
    const ids = new Map<string, string>();
    for (const { key, headers } of await readWholeTopic(log, topics.searches)) {
      const id = [...headers].find(([name]) => name === 'ce_id')?.[1];
      ids.set(Buffer.from(id ?? []).toString(), Buffer.from(key ?? []).toString());
    }
    const asked = visits.flatMap(({ answered }) => answered);
    assert.deepEqual([...ids.values()].sort(), asked.sort());
    await replayTrend(log, topics.searches, join(data, 'trend.replayed'));
    assert.equal(trendState(join(data, 'trend.sqlite')), trendState(join(data, 'trend.replayed')));
  } finally {
    await log.close();
  }
}
