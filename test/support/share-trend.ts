import type { TrendStore } from '../../src/services/trend/store/trend-store.ts';
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { bookSearchedRecord } from '../../src/events/book-searched.ts';
import { createEventSource } from '../../src/events/envelope.ts';
import { defaultTopicNames } from '../../src/events/topics.ts';
import type { EventLog } from '../../src/log/log.ts';
import { ledgerOf } from '../../src/projection/ledger.ts';
import { openSqliteTrendStore } from '../../src/services/trend/store/sqlite/trend-store.ts';
import { watchPauses, type Pauses } from './partition-pauses.ts';
import { replayTrend } from './replay.ts';
import { spawnSamsa } from './start-shop.ts';
import { trendState } from './trend-state.ts';
import { until } from './until.ts';

export type ShareTrendOptions = {
  /** Opens the log that the services of a data folder read. */
  readonly openLog: (data: string) => Promise<EventLog>;
  /** Settings of the services. */
  readonly environment: Readonly<Record<string, string>>;
  readonly kills: number;
  readonly eventsPerSecond: number;
  /** Where the services keep what they have counted; a file in the data folder unless given. */
  readonly state?: SharedState;
  /** Happens after every other kill. */
  readonly disturb?: () => Promise<void>;
};

export type SharedState = {
  readonly open: (data: string) => Promise<TrendStore>;
  /** Everything counted, as `trendState` writes it. */
  readonly text: (data: string) => Promise<string>;
};

const inFile: SharedState = {
  open: async (data) => openSqliteTrendStore(join(data, 'trend.sqlite'), { clock, busyTimeoutMs: 1_000 }),
  text: async (data) => trendState(join(data, 'trend.sqlite')),
};

const processes = 3;
const readers = 300;
const queries = 200;
const changeEveryMs = { least: 300, most: 1_200 };
const topic = defaultTopicNames.searches;
const clock = Date.now;

type Member = ReturnType<typeof spawnSamsa>;

/**
 * Lets three trend services share the work, kills or stops them one by one, starts others in their place, and checks
 * that every event was counted once.
 * @returns how many events there were, and how long a partition's position did not move.
 */
export async function shareTrend(options: ShareTrendOptions): Promise<{ sent: number; pauses: Pauses }> {
  const data = await mkdtemp(join(tmpdir(), 'samsa-share-'));
  const { state = inFile, disturb } = options;
  const log = await options.openLog(data);
  const store = await state.open(data);
  const done = new AbortController();
  const members: Member[] = [];
  const newMember = (): Promise<Member> => joinIn(data, options.environment);
  try {
    members.push(...(await Promise.all(Array.from({ length: processes }, newMember))));
    const appending = append(log, options.eventsPerSecond, done.signal);
    // A server that was killed does not say where the partitions stand.
    const pauses = watchPauses(async () => searchPositions(store).catch(() => []));
    await comeAndGo(members, newMember, options.kills, disturb).finally(() => done.abort());
    const sent = await appending;
    const paused = await pauses.end();
    await checkLedger(log, store, sent);
    for (const member of members) member.process.kill('SIGTERM');
    assert.deepEqual(await Promise.all(members.map(({ ended }) => ended)), [0, 0, 0]);
    await replayTrend(log, topic, join(data, 'trend.replayed'));
    assert.equal(await state.text(data), trendState(join(data, 'trend.replayed')));
    return { sent, pauses: paused };
  } finally {
    for (const { process } of members) process.kill('SIGKILL');
    await store.close();
    await log.close();
    await rm(data, { recursive: true });
  }
}

/** Starts one more service; resolves when it listens. */
async function joinIn(data: string, environment: Readonly<Record<string, string>>): Promise<Member> {
  const member = spawnSamsa(['trend'], data, environment);
  await until('a trend service listens', () => /^trend\s+http/m.test(member.output()));
  return member;
}

/** Kills the services one by one (every third one is stopped instead) and starts others in their place. */
async function comeAndGo(
  members: Member[],
  join: () => Promise<Member>,
  kills: number,
  disturb: (() => Promise<void>) | undefined,
): Promise<void> {
  const { least, most } = changeEveryMs;
  for (let killed = 0, changes = 0; killed < kills; changes++) {
    await delay(least + Math.random() * (most - least));
    const leaving = members.splice(changes % processes, 1)[0]!;
    const isKilled = changes % 3 !== 2;
    leaving.process.kill(isKilled ? 'SIGKILL' : 'SIGTERM');
    if (isKilled) killed++;
    const code = await leaving.ended;
    if (!isKilled) assert.equal(code, 0, leaving.output());
    members.push(await join());
    if (changes % 2 === 1) await disturb?.();
  }
}

/** Appends searches at an even rate until the signal fires. @returns how many. */
async function append(log: EventLog, eventsPerSecond: number, done: AbortSignal): Promise<number> {
  const source = createEventSource('share', clock);
  const startedMs = performance.now();
  let sent = 0;
  while (!done.aborted) {
    const due = Math.floor(((performance.now() - startedMs) / 1_000) * eventsPerSecond);
    const records = Array.from({ length: due - sent }, (_, place) => {
      const number = sent + place;
      const query = `query ${(number * 7) % queries}`;
      const value = Buffer.from(JSON.stringify([{ id: 1 + (number % queries), title: query, author: 'A. Nonymous' }]));
      const reader = `reader-${(number * 13) % readers}`;
      return bookSearchedRecord(topic, source, { query, value, reader, weight: 1, corrected: null, total: 1 });
    });
    if (records.length > 0) await log.append(records);
    sent = due;
    await delay(10);
  }
  return sent;
}

/** Where the trend service stands in the searches; it also reads what operators did. */
async function searchPositions(store: TrendStore) {
  return (await store.positions('trend-svr')).filter((position) => position.topic === topic);
}

const keysOf = <Outcomes extends object>(outcomes: Outcomes) => Object.keys(outcomes) as (keyof Outcomes)[];

/** Waits until everything is counted, and checks that each event was counted once. */
async function checkLedger(log: EventLog, store: TrendStore, sent: number): Promise<void> {
  const ledger = async () => {
    const positions = await searchPositions(store);
    const { partitions } = await log.describe(topic);
    return ledgerOf(positions, (_topic, partition) => partitions[partition]?.end ?? 0);
  };
  await until('all is counted', async () => (await ledger()).every(({ lag }) => lag === 0), 60_000);
  const rows = await ledger();
  assert.ok(rows.length === 4 && rows.every(({ balanced }) => balanced));
  const outcomes = { applied: 0, duplicate: 0, dead: 0, late: 0, gap: 0, compacted: 0 };
  for (const row of rows) for (const name of keysOf(outcomes)) outcomes[name] += row.outcomes[name];
  assert.deepEqual(outcomes, { applied: sent, duplicate: 0, dead: 0, late: 0, gap: 0, compacted: 0 });
}
