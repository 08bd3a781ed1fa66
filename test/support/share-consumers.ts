import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { bookSearchedRecord } from '../../src/events/book-searched.ts';
import { createEventSource, type EventSource } from '../../src/events/envelope.ts';
import { readerActionNames, readerActionRecord } from '../../src/events/reader-action.ts';
import type { NewRecord } from '../../src/events/record.ts';
import { defaultTopicNames as topics } from '../../src/events/topics.ts';
import type { EventLog } from '../../src/log/log.ts';
import type { PartitionPosition } from '../../src/progress/progress.ts';
import { ledgerOf } from '../../src/projection/ledger.ts';
import { openSqliteTrendStore } from '../../src/services/trend/store/sqlite/trend-store.ts';
import { watchPauses, type Pauses } from './partition-pauses.ts';
import { replayRecommendation, replayTrend } from './replay.ts';
import { spawnSamsa } from './start-shop.ts';
import { tasteState } from './taste-state.ts';
import { makeTemporaryFolder } from './temporary-folder.ts';
import { trendState } from './trend-state.ts';
import { until } from './until.ts';

type ShareOptions = {
  /** Opens the log that the services of a data folder read. */
  readonly openLog: (data: string) => Promise<EventLog>;
  /** Settings of the services. */
  readonly environment: Readonly<Record<string, string>>;
  readonly kills: number;
  readonly eventsPerSecond: number;
  /** Which services run, and where they keep their state; trend services with a file in the data folder unless given. */
  readonly shared?: readonly SharedService[];
  /** Happens after every other kill. */
  readonly disturb?: () => Promise<void>;
};

type SharedService = {
  readonly name: keyof typeof consumers;
  readonly processes: number;
  readonly open: (data: string) => Promise<SharedState>;
  /** The whole state, as `trendState` or `tasteState` writes it. */
  readonly text: (data: string) => Promise<string>;
};

type SharedState = {
  readonly positions: (projection: string) => Promise<readonly PartitionPosition[]>;
  readonly close: () => Promise<void>;
};

const clock = Date.now;

const trendInFile: SharedService = {
  name: 'trend',
  processes: 3,
  open: async (data) => openSqliteTrendStore(join(data, 'trend.sqlite'), { clock, busyTimeoutMs: 1_000 }),
  text: async (data) => trendState(join(data, 'trend.sqlite')),
};

/** What each service is called in its state, which of the topics it reads are written here, and how it is replayed. */
const consumers = {
  trend: {
    projection: 'trend-svr',
    reads: [topics.searches],
    replay: async (log: EventLog, path: string): Promise<string> => {
      await replayTrend(log, topics.searches, path);
      return trendState(path);
    },
  },
  recommendation: {
    projection: 'rec-svr',
    reads: [topics.searches, topics.actions],
    replay: async (log: EventLog, path: string): Promise<string> => {
      await replayRecommendation(log, topics, path);
      return tasteState(path);
    },
  },
} as const;

const readers = 300;
const queries = 200;
const actionEvery = 4;
const forgetEvery = 400;
const partitions = 4;
const changeEveryMs = { least: 300, most: 1_200 };

type Member = ReturnType<typeof spawnSamsa> & { readonly name: SharedService['name'] };
type Sent = Record<string, number>;

/**
 * Lets several services of each kind share the work, kills or stops them one by one, starts others in their place, and
 * checks that every event was counted once and that each state is that of a replay.
 * @returns how many events there were, and how long a partition of the first service did not move.
 */
export async function shareConsumers(options: ShareOptions): Promise<{ sent: number; pauses: Pauses }> {
  const data = makeTemporaryFolder();
  const { shared = [trendInFile], disturb } = options;
  const log = await options.openLog(data);
  const states: SharedState[] = [];
  for (const service of shared) states.push(await service.open(data));
  const done = new AbortController();
  const members: Member[] = [];
  const newMember = (name: Member['name']): Promise<Member> => joinIn(name, data, options.environment);
  try {
    const names = shared.flatMap(({ name, processes }) => Array.from({ length: processes }, () => name));
    members.push(...(await Promise.all(names.map(newMember))));
    const appending = append(log, options.eventsPerSecond, done.signal);
    // A server that was killed does not say where the partitions stand.
    const pauses = watchPauses(async () => positionsOf(shared[0]!, states[0]!, topics.searches).catch(() => []));
    await comeAndGo(members, newMember, options.kills, disturb).finally(() => done.abort());
    const sent = await appending;
    const paused = await pauses.end();
    for (const [place, service] of shared.entries()) await checkLedger(log, service, states[place]!, sent);
    for (const member of members) member.process.kill('SIGTERM');
    const codes = await Promise.all(members.map(({ ended }) => ended));
    assert.ok(
      codes.every((code) => code === 0),
      `exit codes ${codes.join()}`,
    );
    for (const { name, text } of shared) {
      const replayed = await consumers[name].replay(log, join(data, `${name}.replayed`));
      assert.ok((await text(data)) === replayed, `the state of ${name} is not that of a replay`);
    }
    return { sent: Object.values(sent).reduce((sum, events) => sum + events), pauses: paused };
  } finally {
    for (const { process } of members) process.kill('SIGKILL');
    for (const state of states) await state.close();
    await log.close();
  }
}

/** Starts one more service; resolves when it listens. */
async function joinIn(
  name: Member['name'],
  data: string,
  environment: Readonly<Record<string, string>>,
): Promise<Member> {
  const member = spawnSamsa([name], data, environment);
  await until(`a ${name} service listens`, () => new RegExp(`^${name}\\s+http`, 'm').test(member.output()));
  return { ...member, name };
}

/** Kills the services one by one (every third one is stopped instead) and starts others in their place. */
async function comeAndGo(
  members: Member[],
  join: (name: Member['name']) => Promise<Member>,
  kills: number,
  disturb: (() => Promise<void>) | undefined,
): Promise<void> {
  const { least, most } = changeEveryMs;
  for (let killed = 0, changes = 0; killed < kills; changes++) {
    await delay(least + Math.random() * (most - least));
    // From both ends in turn, so that each kind of service is killed.
    const place = changes % 2 === 0 ? changes % members.length : members.length - 1 - (changes % members.length);
    const leaving = members[place]!;
    const isKilled = changes % 3 !== 2;
    leaving.process.kill(isKilled ? 'SIGKILL' : 'SIGTERM');
    if (isKilled) killed++;
    const code = await leaving.ended;
    if (!isKilled) assert.equal(code, 0, leaving.output());
    members[place] = await join(leaving.name);
    if (changes % 2 === 1) await disturb?.();
  }
}

/**
 * Appends searches and actions at an even rate until the signal fires.
 * @returns how many to each topic.
 */
async function append(log: EventLog, eventsPerSecond: number, done: AbortSignal): Promise<Sent> {
  const source = createEventSource('share', clock);
  const startedMs = performance.now();
  const sent: Sent = { [topics.searches]: 0, [topics.actions]: 0 };
  for (let appended = 0; !done.aborted; await delay(10)) {
    const due = Math.floor(((performance.now() - startedMs) / 1_000) * eventsPerSecond);
    const records = Array.from({ length: due - appended }, (_, place) => numbered(source, appended + place));
    if (records.length > 0) await log.append(records);
    for (const { topic } of records) sent[topic]!++;
    appended = due;
  }
  return sent;
}

function numbered(source: EventSource, number: number): NewRecord {
  const reader = `reader-${(number * 13) % readers}`;
  if (number % forgetEvery === 1) return readerActionRecord(topics.actions, source, reader, { action: 'forgotten' });
  if (number % actionEvery === 1) {
    const names = readerActionNames.filter((name) => name !== 'forgotten');
    const action = names[Math.floor(number / actionEvery) % names.length]!;
    return readerActionRecord(topics.actions, source, reader, { action, book_id: 1 + ((number * 11) % queries) });
  }
  const query = `query ${(number * 7) % queries}`;
  const value = Buffer.from(JSON.stringify([{ id: 1 + (number % queries), title: query, author: 'A. Nonymous' }]));
  return bookSearchedRecord(topics.searches, source, { query, value, reader, weight: 1, corrected: null, total: 1 });
}

async function positionsOf({ name }: SharedService, state: SharedState, topic: string) {
  return (await state.positions(consumers[name].projection)).filter((position) => position.topic === topic);
}

const keysOf = <Outcomes extends object>(outcomes: Outcomes) => Object.keys(outcomes) as (keyof Outcomes)[];

/** Waits until the service has counted everything, and checks that it counted each event once. */
async function checkLedger(log: EventLog, service: SharedService, state: SharedState, sent: Sent): Promise<void> {
  for (const topic of consumers[service.name].reads) {
    const ledger = async () => {
      const positions = await positionsOf(service, state, topic);
      const ends = (await log.describe(topic)).partitions;
      return ledgerOf(positions, (_topic, partition) => ends[partition]?.end ?? 0);
    };
    const isCounted = async () => {
      const rows = await ledger();
      return rows.length === partitions && rows.every(({ lag }) => lag === 0);
    };
    await until(`${service.name} has counted all of ${topic}`, isCounted, 60_000);
    const rows = await ledger();
    assert.ok(rows.every(({ balanced }) => balanced));
    const outcomes = { applied: 0, duplicate: 0, dead: 0, late: 0, gap: 0, compacted: 0 };
    for (const row of rows) for (const name of keysOf(outcomes)) outcomes[name] += row.outcomes[name];
    const expected = { applied: sent[topic], duplicate: 0, dead: 0, late: 0, gap: 0, compacted: 0 };
    assert.deepEqual(outcomes, expected, `${service.name}, ${topic}`);
  }
}
