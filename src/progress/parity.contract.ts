import assert from 'node:assert/strict';
import { createRandom } from '../commands/simulate/random.ts';
import { SamsaError } from '../errors.ts';
import { hourMs } from '../runtime/time.ts';
import type { DeadLetterBook, ProgressStore, Settlement } from './dead-letter-book.ts';
import type { PartitionName, ProgressCommit } from './progress.ts';

type ParityOptions<Change> = {
  readonly seed: number;
  readonly rounds: number;
  readonly projection: string;
  readonly version: number;
  readonly topics: readonly string[];
  /** A change as the fold of that topic makes it, from random numbers in [0, 1) and the arrival of its record. */
  readonly changeOf: (topic: string, random: () => number, arrivedMs: number) => Change;
  /** Moves the clock of both stores. */
  readonly passMs: (ms: number) => void;
};

type Store<Change> = ProgressStore<Change>;
type Operation<Change> = (store: Store<Change>) => Promise<unknown>;

const partitionsPerTopic = 3;
const ttlMs = 1_000;

/**
 * Does the same random work with two stores: instances that come, go and disappear, commits at right and wrong offsets
 * with dead letters and marks, decisions about letters. Every answer and every error of both must be the same.
 */
export async function driveAlike<Change>(
  one: Store<Change>,
  other: Store<Change>,
  options: ParityOptions<Change>,
): Promise<void> {
  const random = createRandom(options.seed);
  const nextOf = new Map<string, number>();
  for (let round = 0; round < options.rounds; round++) {
    const arrivedMs = 1_700_000_000_000 + round * hourMs;
    const operation = randomOperation(options, random, nextOf, arrivedMs);
    const answers = [await answerOf(operation, one), await answerOf(operation, other)];
    assert.deepEqual(answers[0], answers[1], `round ${round} of seed ${options.seed}`);
    for (const { topic, partition, next } of await one.positions(options.projection)) {
      nextOf.set(`${topic}/${partition}`, next);
    }
  }
}

async function answerOf<Change>(operation: Operation<Change>, store: Store<Change>): Promise<unknown> {
  try {
    return await operation(store);
  } catch (error) {
    if (error instanceof SamsaError) return error.code;
    throw error;
  }
}

function randomOperation<Change>(
  options: ParityOptions<Change>,
  random: () => number,
  nextOf: ReadonlyMap<string, number>,
  arrivedMs: number,
): Operation<Change> {
  const below = (limit: number): number => Math.floor(random() * limit);
  const { projection, version, topics, passMs } = options;
  const topic = topics[below(topics.length)]!;
  const partition = below(partitionsPerTopic);
  const instance = 'abc'[below(3)]!;
  const next = nextOf.get(`${topic}/${partition}`) ?? 0;
  const kind = below(20);
  if (kind < 3) {
    const gone = 'abc'[below(3)]!;
    const isGone = (name: string): boolean => name === gone && name !== instance;
    const partitions = topics.flatMap((name) =>
      Array.from({ length: partitionsPerTopic }, (_, number) => {
        const end = (nextOf.get(`${name}/${number}`) ?? 0) + below(3);
        return { topic: name, partition: number, topicId: 'id', start: 0, end };
      }),
    );
    // The first request decides which version the state has.
    const asked = nextOf.size > 0 && below(15) === 0 ? version + 1 : version;
    const request = { projection, version: asked, instance, ttlMs, partitions };
    return (store) => store.lease(kind === 0 ? { ...request, isGone } : request);
  }
  if (kind === 3) return (store) => store.release(projection, instance);
  if (kind === 4) {
    passMs(below(20) === 0 ? -5 * ttlMs : below(900));
    return (store) => store.positions(projection);
  }
  if (kind < 8) {
    const settlement = randomSettlement(options, below, random, { topic, partition, next, arrivedMs });
    return (store) => store.settle(settlement);
  }
  if (kind === 8) return (store) => lettersOf(store);
  if (kind === 9) return (store) => store.load(projection, { topic, partition });
  const commit = randomCommit(options, below, random, { topic, partition, next, arrivedMs });
  return async (store) => {
    const owner = (await store.positions(projection)).find((at) => at.topic === topic && at.partition === partition);
    return store.commit({ ...commit, instance: kind === 10 ? instance : (owner?.instance ?? instance) });
  };
}

/** Dead letters without the store's own numbers. */
export async function lettersOf<Change>(store: DeadLetterBook<Change>): Promise<readonly unknown[]> {
  const letters = await store.deadLetters({ limit: 10_000 });
  return letters.map(({ number, key, value, headers, ...letter }) => {
    const bytes = (one: Uint8Array | null): string | null => one && Buffer.from(one).toString('hex');
    return [typeof number, bytes(key), bytes(value), headers.map(([name, of]) => [name, bytes(of)]), letter];
  });
}

type At = PartitionName & { readonly next: number; readonly arrivedMs: number };

function randomSettlement<Change>(
  { projection, version, changeOf }: ParityOptions<Change>,
  below: (limit: number) => number,
  random: () => number,
  { topic, partition, next, arrivedMs }: At,
): Settlement<Change> {
  const become: readonly Settlement<Change>['become'][] = [
    { status: 'redriven', change: changeOf(topic, random, arrivedMs) },
    { status: 'redriven', change: 'late' },
    { status: 'discarded' },
    { status: 'waiting', cause: 'unexpected', reason: 'failed again' },
  ];
  const offset = below(next + 1);
  const known = next > 0 && below(12) === 0 ? version - 1 : version;
  return { projection, version: known, topic, partition, offset, become: become[below(4)]! };
}

function randomCommit<Change>(
  { projection, changeOf }: ParityOptions<Change>,
  below: (limit: number) => number,
  random: () => number,
  { topic, partition, next, arrivedMs }: At,
): Omit<ProgressCommit<Change>, 'instance'> {
  const changes = Array.from({ length: below(12) }, () => changeOf(topic, random, arrivedMs));
  const deadLetters = Array.from({ length: below(3) }, (_, index) => ({
    offset: next + changes.length + index,
    timestamp: arrivedMs,
    key: below(2) === 0 ? null : Buffer.from([below(256)]),
    value: below(2) === 0 ? null : Buffer.from('{"ü"'),
    headers: [['h', Buffer.from([below(256)])] as const],
    cause: 'bad-event' as const,
    reason: `bad ${'ü'.repeat(below(3))}`,
  }));
  const marks = new Map(Array.from({ length: below(3) }, () => [`source ${below(4)}`, next]));
  const end = next + changes.length + deadLetters.length;
  return {
    projection,
    topic,
    partition,
    expected: below(10) === 0 ? next + 1 : next,
    next: end,
    end: end + below(5),
    arrivedMs,
    fingerprint: below(4) === 0 ? null : `f${end}`,
    outcomes: { applied: changes.length, duplicate: 0, dead: deadLetters.length, late: 0, gap: 0, compacted: 0 },
    changes,
    deadLetters,
    marks,
  };
}
