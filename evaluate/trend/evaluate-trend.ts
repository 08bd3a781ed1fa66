import { createReadStream, createWriteStream, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { openCountedTrends } from './counted-trends.ts';
import { peerScores } from './peer-scores.ts';
import { planBursts, simulate, type Burst, type Search, type SimulationOptions } from './simulation.ts';

const hourSeconds = 3_600;
const listed = 5;
const keptHours = 9 * 24;
/** Before, there is no week to compare with. */
const firstListedDay = 8;

type Seen = {
  /** By burst, the hours it lasted before it was listed; `null` when it never was. */
  readonly delays: Map<Burst, number | null>;
  rows: number;
  rightRows: number;
  /** Hours with bursts, and the sum of the shares of them that were listed. */
  burstHours: number;
  foundShares: number;
  /** Query and day of rows that were wrong. */
  readonly wrong: Set<string>;
};

/**
 * Prints one line of JSON: for each size, how well our score and its peers find the bursts of a simulated shop. Seconds
 * of each size are printed to stderr.
 *
 * - `recall_at_5`: of the bursts at the end of an hour, at most five, those that were among the first five; the mean over
 *   all hours with bursts.
 * - `bursts_found`: of all bursts, those that were among the first five at some hour while they lasted.
 * - `precision_at_5`: of all rows among the first five, those whose query was in a burst at the time.
 * - `median_delay_h`: hours from the start of a burst until it was listed, over the bursts that were.
 * - `false_rising`: without bursts, rows that were said to rise: `at_once` on average, and different queries `a_day`.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sizes: { type: 'string', default: '2000,20000,200000' },
      seeds: { type: 'string', default: '5' },
      days: { type: 'string', default: '28' },
      write: { type: 'string' },
      events: { type: 'string' },
      truth: { type: 'string' },
    },
  });
  if (values.events !== undefined) {
    const truth = values.truth === undefined ? null : readTruth(values.truth);
    console.log(JSON.stringify({ sizes: [await evaluateFile(values.events, truth)] }));
    return;
  }
  const [seeds, days] = [Number(values.seeds), Number(values.days)];
  const sizes = values.sizes.split(',').map(Number);
  if (values.write !== undefined) {
    for (const searchesPerDay of sizes) {
      for (let seed = 1; seed <= seeds; seed++) {
        await writeFiles(values.write, { searchesPerDay, seed, days, withBursts: true });
      }
    }
    return;
  }
  const evaluated = [];
  for (const searchesPerDay of sizes) evaluated.push(await evaluateSize(searchesPerDay, seeds, days));
  console.log(JSON.stringify({ sizes: evaluated }));
}

async function evaluateSize(searchesPerDay: number, seeds: number, days: number) {
  const startMs = performance.now();
  const bySeed: ReadonlyMap<string, Seen>[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const options = { searchesPerDay, seed, days, withBursts: true };
    bySeed.push(await evaluate(simulate(options), planBursts(options)));
  }
  const quiet = await evaluate(simulate({ searchesPerDay, seed: 1, days, withBursts: false }), [], ['samsa']);
  console.error(`${searchesPerDay} searches a day: ${Math.round((performance.now() - startMs) / 1_000)} s`);
  return {
    searches_per_day: searchesPerDay,
    scores: summarize(bySeed),
    false_rising: {
      at_once: rounded(quiet.get('samsa')!.rows / ((days - firstListedDay) * 24)),
      a_day: rounded(quiet.get('samsa')!.wrong.size / (days - firstListedDay)),
    },
  };
}

async function evaluateFile(path: string, truth: readonly Burst[] | null) {
  const seen = await evaluate(readHours(path), truth ?? []);
  const scores = summarize([seen]);
  if (truth !== null) return { searches_per_day: null, scores };
  return {
    searches_per_day: null,
    scores: scores.map((score) => ({ ...score, recall_at_5: null, precision_at_5: null })),
  };
}

async function evaluate(
  hours: Iterable<readonly Search[]> | AsyncIterable<readonly Search[]>,
  bursts: readonly Burst[],
  names: readonly string[] = ['samsa', ...Object.keys(peerScores)],
): Promise<ReadonlyMap<string, Seen>> {
  const seen = new Map(
    names.map((name): [string, Seen] => [
      name,
      {
        delays: new Map(bursts.map((burst) => [burst, null])),
        rows: 0,
        rightRows: 0,
        burstHours: 0,
        foundShares: 0,
        wrong: new Set(),
      },
    ]),
  );
  const trends = await openCountedTrends();
  const readers = new Map<string, Map<number, number>>();
  try {
    for await (const searches of hours) {
      if (searches.length === 0) continue;
      await trends.count(searches);
      const hour = Math.floor(searches[0]!.second / hourSeconds);
      addReaders(readers, searches, hour);
      const second = (hour + 1) * hourSeconds - 1;
      for (const [name, of] of seen) {
        const first = name === 'samsa' ? await trends.risingAt(second) : firstOf(readers, peerScores[name]!, hour);
        look(of, first, bursts, second);
      }
    }
  } finally {
    await trends.close();
  }
  return seen;
}

function addReaders(readers: Map<string, Map<number, number>>, searches: readonly Search[], hour: number): void {
  const once = new Set(searches.map(({ query, reader }) => `${query}\t${reader}`));
  for (const pair of once) {
    const query = pair.slice(0, pair.indexOf('\t'));
    const hours = readers.get(query) ?? new Map<number, number>();
    readers.set(query, hours.set(hour, (hours.get(hour) ?? 0) + 1));
    hours.delete(hour - keptHours);
  }
}

function firstOf(
  readers: ReadonlyMap<string, ReadonlyMap<number, number>>,
  score: (hours: ReadonlyMap<number, number>, nowHour: number) => number,
  hour: number,
): readonly string[] {
  return Array.from(readers, ([query, hours]) => ({ query, score: score(hours, hour) }))
    .filter((one) => one.score > 0)
    .sort((one, other) => other.score - one.score || (one.query < other.query ? -1 : 1))
    .slice(0, listed)
    .map(({ query }) => query);
}

function look(seen: Seen, first: readonly string[], bursts: readonly Burst[], second: number): void {
  const active = bursts.filter(({ fromSecond, toSecond }) => fromSecond <= second && second < toSecond);
  let found = 0;
  for (const query of first) {
    seen.rows++;
    const burst = active.find((one) => one.query === query);
    if (burst === undefined) {
      seen.wrong.add(`${query} ${Math.floor(second / (24 * hourSeconds))}`);
      continue;
    }
    seen.rightRows++;
    found++;
    if (seen.delays.get(burst) === null) seen.delays.set(burst, (second + 1 - burst.fromSecond) / hourSeconds);
  }
  if (active.length === 0) return;
  seen.burstHours++;
  seen.foundShares += found / Math.min(listed, active.length);
}

function summarize(runs: readonly ReadonlyMap<string, Seen>[]) {
  return Array.from(runs[0]!.keys(), (score) => {
    const ofScore = runs.map((run) => run.get(score)!);
    const mean = (of: (seen: Seen) => number): number =>
      rounded(ofScore.reduce((sum, seen) => sum + of(seen), 0) / ofScore.length);
    const delays = ofScore.flatMap(({ delays: all }) => [...all.values()].filter((delay) => delay !== null));
    delays.sort((one, other) => one - other);
    return {
      score,
      recall_at_5: mean(({ burstHours, foundShares }) => foundShares / Math.max(1, burstHours)),
      bursts_found: mean(
        ({ delays: all }) => [...all.values()].filter((delay) => delay !== null).length / Math.max(1, all.size),
      ),
      precision_at_5: mean(({ rows, rightRows }) => rightRows / Math.max(1, rows)),
      median_delay_h: delays[Math.floor(delays.length / 2)] ?? null,
    };
  });
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

/** `reader<TAB>key<TAB>unix seconds`, in the order of time. */
async function* readHours(path: string): AsyncGenerator<readonly Search[]> {
  let searches: Search[] = [];
  let hour: number | null = null;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const [reader, query, second] = line.split('\t');
    if (reader === undefined || query === undefined || second === undefined) continue;
    const search = { reader, query, second: Number(second) };
    const of = Math.floor(search.second / hourSeconds);
    if (hour !== null && of !== hour) {
      yield searches;
      searches = [];
    }
    hour = of;
    searches.push(search);
  }
  yield searches;
}

/** `key<TAB>from<TAB>to`, in unix seconds. */
function readTruth(path: string): readonly Burst[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [query, from, to] = line.split('\t');
      return { query: query!, fromSecond: Number(from), toSecond: Number(to) };
    });
}

async function writeFiles(folder: string, options: SimulationOptions): Promise<void> {
  await mkdir(folder, { recursive: true });
  const name = `${options.searchesPerDay}-${options.seed}.tsv`;
  await writeLines(
    join(folder, `truth-${name}`),
    (function* () {
      for (const { query, fromSecond, toSecond } of planBursts(options)) yield `${query}\t${fromSecond}\t${toSecond}\n`;
    })(),
  );
  await writeLines(
    join(folder, `events-${name}`),
    (function* () {
      for (const searches of simulate(options)) {
        yield searches.map(({ reader, query, second }) => `${reader}\t${query}\t${second}\n`).join('');
      }
    })(),
  );
}

async function writeLines(path: string, lines: Iterable<string>): Promise<void> {
  const stream = createWriteStream(path);
  for (const line of lines) {
    if (!stream.write(line)) await new Promise((resolve) => stream.once('drain', resolve));
  }
  stream.end();
  await finished(stream);
}
