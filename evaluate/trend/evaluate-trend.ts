import { createReadStream, createWriteStream, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { lookAtTrends, scoreNames, type Seen } from './look-at-trends.ts';
import {
  firstBurstHour,
  hourSeconds,
  planBursts,
  simulate,
  startSecond,
  type Burst,
  type Search,
  type SimulationOptions,
} from './simulation.ts';

const weekHours = 7 * 24;

/**
 * Prints one line of JSON: for each size, how well our score and its peers find the bursts of a simulated shop. Lists are
 * read at the end of every hour, from the first day on which a burst may begin. A burst is on from its first hour to its
 * last one: if it is noticed late, it is missed in its first hours.
 *
 * - `recall_at_5`: of the bursts that are on, the share that is among the first five rows; with more than five on, of five
 *   ("capped recall", Thakur and others 2021). The mean over all hours in which a burst is on, then over the seeds.
 * - `precision_at_5`: the share of the five first rows that is a burst that is on, over the same hours. An empty row counts
 *   as wrong, and often fewer than five bursts are on, so it is at most about .6 on average.
 * - `right_rows`: of the rows that were there, the share that is a burst that is on, over all hours.
 * - `bursts_found`: of all bursts, those that were among the first five rows at the end of an hour while they were on.
 * - `median_delay_h`: hours from the start of a burst until it was first listed so, over the bursts that were.
 * - `false_rows_a_day`: in a month without bursts, rows of our list (all, not only five) that came up as rising. A row
 *   counts once for as long as it stands there.
 *
 * `--write DIR` writes each shop as `events-SIZE-SEED.tsv` (`reader<TAB>key<TAB>unix seconds`, in the order of time) and
 * `truth-SIZE-SEED.tsv` (`key<TAB>from<TAB>to`, unix seconds). `--events FILE` reads such events instead of simulating, and
 * `--truth FILE` its bursts; without them recall and precision are null. `--rows FILE` writes the five first rows of each
 * hour and score, so that they can be scored in other ways: `unix seconds<TAB>score<TAB>key<TAB>key…`.
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
      rows: { type: 'string' },
    },
  });
  if (values.events !== undefined) {
    const { events, truth, rows } = values;
    console.log(JSON.stringify({ sizes: [await evaluateFile(events, truth ?? null, rows ?? null)] }));
    return;
  }
  const days = Number(values.days);
  const sizes = values.sizes.split(',').map(Number);
  const seeds = seedsOf(values.seeds);
  if (values.write !== undefined) {
    for (const searchesPerDay of sizes) {
      for (const seed of seeds) await writeFiles(values.write, { searchesPerDay, seed, days, withBursts: true });
    }
    return;
  }
  const evaluated = [];
  for (const searchesPerDay of sizes) evaluated.push(await evaluateSize(searchesPerDay, seeds, days));
  console.log(JSON.stringify({ sizes: evaluated }));
}

/** `5` is the seeds 1 to 5, `2-3` the seeds 2 and 3. */
function seedsOf(text: string): readonly number[] {
  const [first, last] = text.includes('-') ? text.split('-').map(Number) : [1, Number(text)];
  return Array.from({ length: last! - first! + 1 }, (_, index) => first! + index);
}

async function evaluateSize(searchesPerDay: number, seeds: readonly number[], days: number) {
  const fromHour = startSecond / hourSeconds + firstBurstHour;
  const runs: ReadonlyMap<string, Seen>[] = [];
  for (const seed of seeds) {
    const startMs = performance.now();
    const options = { searchesPerDay, seed, days, withBursts: true };
    runs.push(await lookAtTrends(simulate(options), { bursts: planBursts(options), scores: scoreNames, fromHour }));
    console.error(`${searchesPerDay} a day, seed ${seed}: ${secondsSince(startMs)} s`, describeScores(runs.slice(-1)));
  }
  const quiet = { searchesPerDay, seed: seeds[0]!, days, withBursts: false };
  const seen = await lookAtTrends(simulate(quiet), { bursts: [], scores: scoreNames.slice(0, 1), fromHour });
  const [{ falseRises }] = [...seen.values()] as [Seen];
  return {
    searches_per_day: searchesPerDay,
    seeds,
    scores: describeScores(runs),
    false_rows_a_day: rounded(falseRises / (days - firstBurstHour / 24)),
  };
}

async function evaluateFile(path: string, truthPath: string | null, rowsPath: string | null) {
  const bursts = truthPath === null ? [] : readTruth(truthPath);
  const rows: string[] = [];
  const onRows = (hour: number, score: string, queries: readonly string[]): void =>
    void rows.push(`${[(hour + 1) * hourSeconds, score, ...queries].join('\t')}\n`);
  const fromHour = (await firstHour(path)) + weekHours;
  const seen = await lookAtTrends(readHours(path), {
    bursts,
    scores: scoreNames,
    fromHour,
    ...(rowsPath !== null && { onRows }),
  });
  if (rowsPath !== null) await writeLines(rowsPath, rows);
  const scores = describeScores([seen]);
  if (truthPath !== null) return { searches_per_day: null, scores };
  return { searches_per_day: null, scores: scores.map(({ score }) => ({ score, ...unknown })) };
}

const unknown = { recall_at_5: null, precision_at_5: null, right_rows: null, bursts_found: null, median_delay_h: null };

function describeScores(runs: readonly ReadonlyMap<string, Seen>[]) {
  return Array.from(runs[0]!.keys(), (score) => {
    const ofScore = runs.map((run) => run.get(score)!);
    const mean = (of: (seen: Seen) => number): number =>
      rounded(ofScore.reduce((sum, seen) => sum + of(seen), 0) / ofScore.length);
    const delays = ofScore.flatMap(({ delays: all }) => [...all.values()].filter((delay) => delay !== null));
    delays.sort((one, other) => one - other);
    return {
      score,
      recall_at_5: mean(({ burstHours, foundShares }) => foundShares / Math.max(1, burstHours)),
      precision_at_5: mean(({ burstHours, rightShares }) => rightShares / Math.max(1, burstHours)),
      right_rows: mean(({ rows, rightRows }) => rightRows / Math.max(1, rows)),
      bursts_found: mean(
        ({ delays: all }) => [...all.values()].filter((delay) => delay !== null).length / Math.max(1, all.size),
      ),
      median_delay_h: delays[Math.floor(delays.length / 2)] ?? null,
    };
  });
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

function secondsSince(startMs: number): number {
  return Math.round((performance.now() - startMs) / 1_000);
}

/** `reader<TAB>key<TAB>unix seconds`, in the order of time. */
async function* readSearches(path: string): AsyncGenerator<Search> {
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const [reader, query, second] = line.split('\t');
    if (reader === undefined || query === undefined || second === undefined) continue;
    yield { reader, query, second: Number(second) };
  }
}

async function firstHour(path: string): Promise<number> {
  for await (const { second } of readSearches(path)) return Math.floor(second / hourSeconds);
  return 0;
}

async function* readHours(path: string): AsyncGenerator<readonly Search[]> {
  let searches: Search[] = [];
  let hour: number | null = null;
  for await (const search of readSearches(path)) {
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
  const truth = planBursts(options).map(
    ({ query, fromSecond, toSecond }) => `${[query, fromSecond, toSecond].join('\t')}\n`,
  );
  await writeLines(join(folder, `truth-${name}`), truth);
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
