import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { bookSearchedRecord } from '../src/events/book-searched.ts';
import { createEventSource } from '../src/events/event-source.ts';
import { defaultTopicNames } from '../src/events/topics.ts';
import type { EventLog } from '../src/log/log.ts';
import { openLog } from '../src/log/open-log.ts';
import { ledgerOf } from '../src/projection/ledger.ts';
import { openSqliteTrendStore } from '../src/services/trend/trend-store.sqlite.ts';
import { replayTrend } from './support/replay.ts';
import { spawnSamsa } from './support/start-shop.ts';
import { trendState } from './support/trend-state.ts';
import { until } from './support/until.ts';

/** `KILLS=20 npm run test:failure` is the long form. */
const kills = Number(process.env['KILLS'] ?? 6);
const processes = 3;
const eventsPerSecond = 1_000;
const readers = 300;
const queries = 200;
const changeEveryMs = { least: 300, most: 1_200 };
const topic = defaultTopicNames.searches;

type Member = ReturnType<typeof spawnSamsa>;

const keysOf = <Outcomes extends object>(outcomes: Outcomes) => Object.keys(outcomes) as (keyof Outcomes)[];

/** Joins; resolves when it listens. */
async function joinIn(data: string): Promise<Member> {
  const member = spawnSamsa(['trend'], data);
  await until('a trend service listens', () => /^trend\s+http/m.test(member.output()));
  return member;
}

/** Kills members one by one, asks every third to leave instead, and has others join in their place. */
async function comeAndGo(data: string, members: Member[]): Promise<void> {
  members.push(...(await Promise.all(Array.from({ length: processes }, () => joinIn(data)))));
  const { least, most } = changeEveryMs;
  for (let killed = 0, changes = 0; killed < kills; changes++) {
    await delay(least + Math.random() * (most - least));
    const leaving = members.splice(changes % processes, 1)[0]!;
    const isKilled = changes % 3 !== 2;
    leaving.process.kill(isKilled ? 'SIGKILL' : 'SIGTERM');
    if (isKilled) killed++;
    const code = await leaving.ended;
    if (!isKilled) assert.equal(code, 0, leaving.output());
    members.push(await joinIn(data));
  }
}

/** Appends searches at an even rate until the signal fires. @returns how many. */
async function append(log: EventLog, done: AbortSignal): Promise<number> {
  const source = createEventSource('share', Date.now);
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

it('counts every search once while trend services join, leave and are killed', { timeout: 600_000 }, async (t) => {
  const data = await mkdtemp(join(tmpdir(), 'samsa-share-'));
  const path = join(data, 'trend.sqlite');
  const clock = Date.now;
  const log = await openLog(
    { kind: 'sqlite', path: join(data, 'log.sqlite'), topics: defaultTopicNames, partitions: 4 },
    { clock, busyTimeoutMs: 1_000 },
  );
  const done = new AbortController();
  const members: Member[] = [];
  try {
    const appending = append(log, done.signal);
    await comeAndGo(data, members).finally(() => done.abort());
    const sent = await appending;
    const store = openSqliteTrendStore(path, { clock, busyTimeoutMs: 1_000 });
    try {
      const ledger = async () => {
        const positions = await store.positions('trend-svr');
        const { partitions } = await log.describe(topic);
        return ledgerOf(positions, (_topic, partition) => partitions[partition]?.end ?? 0);
      };
      await until('all is counted', async () => (await ledger()).every(({ lag }) => lag === 0), 60_000);
      const rows = await ledger();
      assert.ok(rows.length === 4 && rows.every(({ balanced }) => balanced));
      const outcomes = { applied: 0, duplicate: 0, dead: 0, late: 0, gap: 0, compacted: 0 };
      for (const row of rows) for (const name of keysOf(outcomes)) outcomes[name] += row.outcomes[name];
      assert.deepEqual(outcomes, { applied: sent, duplicate: 0, dead: 0, late: 0, gap: 0, compacted: 0 });
      for (const member of members) member.process.kill('SIGTERM');
      const codes = await Promise.all(members.map(({ ended }) => ended));
      assert.deepEqual(codes, [0, 0, 0]);
      await replayTrend(log, topic, join(data, 'trend.replayed'));
      t.diagnostic(`${sent} events at ${eventsPerSecond}/s, ${processes} trend services, ${kills} kills`);
    } finally {
      await store.close();
    }
    assert.equal(trendState(path), trendState(join(data, 'trend.replayed')));
  } finally {
    for (const { process } of members) process.kill('SIGKILL');
    await log.close();
    await rm(data, { recursive: true });
  }
});
