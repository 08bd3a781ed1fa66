import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { openLearner, type Learner, type Liking } from './learner.ts';
import { createMetricsSum, type Metrics } from './metrics.ts';
import { bestUnseen, peers } from './peers.ts';
import { evaluateSimulated } from './simulated.ts';

const listLength = 100;
const perCommit = 1_000;
/** The service does so in the background. */
const sweepEvery = 2_000;
const peersFittedEvery = 1_000;
const scoredFrom = 0.25;
const likedFrom = 4;
const trainedAtMs = Date.parse('2026-01-01T00:00:00Z');

type Line = { readonly methods: readonly ({ readonly method: string } & Metrics)[] } & Readonly<
  Record<string, unknown>
>;

/** Prints one line of JSON. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      train: { type: 'string' },
      test: { type: 'string' },
      stream: { type: 'string' },
      books: { type: 'string' },
      readers: { type: 'string', default: '20000' },
    },
  });
  const { train, test, stream, books, readers } = values;
  if (books !== undefined) return print(await evaluateSimulated(books, Number(readers)));
  if (stream !== undefined) return print(await evaluateStream(readStream(stream)));
  if (train === undefined || test === undefined)
    throw new Error('expected --train FILE and --test FILE, --stream FILE, or --books FILE');
  return print(await evaluateSplit(readRows(train), readRows(test)));
}

function print(line: Readonly<Record<string, unknown>>): void {
  console.log(JSON.stringify(line));
}

/** Learns all of one file, then ranks unseen items for each user of the other. */
async function evaluateSplit(train: Rows, test: Rows): Promise<Line> {
  const learner = await openLearner();
  try {
    const learning = stopwatch();
    let events = 0;
    for (const likings of commitsOf(train)) {
      await learner.learn(likings);
      events += likings.length;
    }
    const learnSeconds = learning();
    const training = stopwatch();
    await learner.follow();
    learner.solveAll();
    const trainSeconds = training();
    const users = [...test].filter(([user, items]) => items.length > 0 && train.has(user));
    const sum = createMetricsSum();
    const answering = stopwatch();
    for (const [user, items] of users) sum.add(await learner.rank(user), new Set(items));
    const answerSeconds = answering();
    const peakMb = Math.round(process.resourceUsage().maxRSS / 1_024);
    const items =
      1 + Math.max(...[...train.values(), ...test.values()].map((of) => of.reduce((a, b) => Math.max(a, b), 0)));
    const methods = [{ method: 'samsa', ...sum.means(items) }];
    for (const peer of peers) {
      const score = peer.fit([...train.values()], items);
      const peerSum = createMetricsSum();
      for (const [user, liked] of users) {
        const seen = train.get(user)!;
        peerSum.add(bestUnseen(score(seen), seen, listLength), new Set(liked));
      }
      methods.push({ method: peer.name, ...peerSum.means(items) });
    }
    return {
      methods,
      users: users.length,
      events,
      us_per_event: Math.round((learnSeconds / events) * 1e6),
      us_per_answer: Math.round((answerSeconds / users.length) * 1e6),
      train_seconds: Number(trainSeconds.toFixed(1)),
      /** Before the other methods are fitted. */
      peak_rss_mb: peakMb,
    };
  } finally {
    await learner.close();
  }
}

/** Made when they are learnt, so that the memory measured is the model's. */
function* commitsOf(train: Rows): Generator<readonly Liking[]> {
  let likings: Liking[] = [];
  for (const [user, items] of train) {
    for (const item of items) {
      likings.push({ user, item, timeMs: trainedAtMs });
      if (likings.length < perCommit) continue;
      yield likings;
      likings = [];
    }
  }
  if (likings.length > 0) yield likings;
}

/** Predicts each liking, then learns it. */
async function evaluateStream(likings: readonly Liking[]): Promise<Line> {
  const items = 1 + likings.reduce((most, { item }) => Math.max(most, item), 0);
  const histories = new Map<string, number[]>();
  const sums = new Map(['samsa', ...peers.map(({ name }) => name)].map((name) => [name, createMetricsSum()]));
  const learner = await openLearner();
  let [learnSeconds, answerSeconds] = [0, 0];
  let fitted: readonly (readonly [name: string, score: (liked: readonly number[]) => Float64Array])[] = [];
  try {
    const first = Math.floor(likings.length * scoredFrom);
    for (const [at, liking] of likings.entries()) {
      const { user, item } = liking;
      const seen = histories.get(user) ?? [];
      if (at >= first) {
        if ((at - first) % peersFittedEvery === 0)
          fitted = peers.map(({ name, fit }) => [name, fit([...histories.values()], items)]);
        const liked = new Set([item]);
        const answering = stopwatch();
        sums.get('samsa')!.add(await learner.rank(user), liked);
        answerSeconds += answering();
        for (const [name, score] of fitted) sums.get(name)!.add(bestUnseen(score(seen), seen, listLength), liked);
      }
      const learning = stopwatch();
      await learn(learner, liking, at);
      learnSeconds += learning();
      histories.set(user, [...seen, item]);
    }
    return {
      methods: Array.from(sums, ([method, sum]) => ({ method, ...sum.means(items) })),
      events: likings.length,
      scored: likings.length - first,
      us_per_event: Math.round((learnSeconds / likings.length) * 1e6),
      us_per_answer: Math.round((answerSeconds / (likings.length - first)) * 1e6),
    };
  } finally {
    await learner.close();
  }
}

async function learn(learner: Learner, liking: Liking, at: number): Promise<void> {
  await learner.learn([liking]);
  await learner.follow();
  if (at % sweepEvery === 0) learner.solveAll();
  else learner.solveChanged();
}

type Rows = ReadonlyMap<string, readonly number[]>;

/** `user item item …` per line. */
function readRows(path: string): Rows {
  const rows = new Map<string, readonly number[]>();
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const [user = '', ...items] = line.trim().split(/\s+/);
    if (user !== '') rows.set(user, [...new Set(items.map(Number))]);
  }
  return rows;
}

/** `user item rating timestamp` per line with a header, as RecBole has it: likings from four stars, in the order of time. */
function readStream(path: string): readonly Liking[] {
  const met = new Set<string>();
  return readFileSync(path, 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split('\t'))
    .filter(([, , rating]) => Number(rating) >= likedFrom)
    .map(([user = '', item, , time]) => ({ user, item: Number(item), timeMs: Number(time) * 1_000 }))
    .sort((one, other) => one.timeMs - other.timeMs)
    .filter(({ user, item }) => met.size < met.add(`${user} ${item}`).size);
}

function stopwatch(): () => number {
  const startedMs = performance.now();
  return () => (performance.now() - startedMs) / 1_000;
}
