import assert from 'node:assert/strict';
import { join } from 'node:path';
import { defaultTopicNames as topics } from '../../src/events/topics.ts';
import type { EventLog } from '../../src/log/log.ts';
import { openSqliteLog } from '../../src/log/sqlite/log.ts';
import { replayRecommendation, replayTrend } from './replay.ts';
import { spawnSamsa, type Shop } from './start-shop.ts';
import { tasteState } from './taste-state.ts';
import { trendState } from './trend-state.ts';
import { until } from './until.ts';

type Status = { readonly projections: readonly { readonly lag_events: number; readonly balanced: boolean }[] };

/**
 * Waits until a shop has read everything, stops it, and checks that its ledgers balance and that its states equal those
 * of a clean replay.
 * @param checkLog checks the log of the stopped shop.
 */
export async function checkShop(shop: Shop, data: string, checkLog: (log: EventLog) => Promise<void>): Promise<void> {
  await until('everything is taken in', async () =>
    (await statusOf(data)).projections.every(({ lag_events }) => lag_events === 0),
  );
  assert.deepEqual(
    (await statusOf(data)).projections.map(({ balanced }) => balanced),
    [true, true, true],
  );
  assert.equal(await shop.stop('SIGTERM'), 0, shop.output());
  const log = openSqliteLog(join(data, 'log.sqlite'), { clock: Date.now, busyTimeoutMs: 1_000 });
  try {
    await checkLog(log);
    await checkStates(log, data);
  } finally {
    await log.close();
  }
}

async function statusOf(data: string): Promise<Status> {
  const status = spawnSamsa(['status', '--json'], data);
  await status.ended;
  return JSON.parse(status.output()) as Status;
}

async function checkStates(log: EventLog, data: string): Promise<void> {
  const replayed = { trend: join(data, 'trend.replayed'), taste: join(data, 'recommendation.replayed') };
  await replayTrend(log, topics.searches, replayed.trend);
  await replayRecommendation(log, topics, replayed.taste);
  assert.equal(trendState(join(data, 'trend.sqlite')), trendState(replayed.trend));
  assert.equal(tasteState(join(data, 'recommendation.sqlite')), tasteState(replayed.taste));
}
