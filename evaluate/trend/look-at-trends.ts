import { openCountedTrends } from './counted-trends.ts';
import { keptHours, peerScores, type ReadersByHour } from './peer-scores.ts';
import { hourSeconds, type Burst, type Search } from './simulation.ts';

const firstRows = 5;
const ours = 'samsa';

export const scoreNames: readonly string[] = [ours, ...Object.keys(peerScores)];

/** What one score has shown at the ends of hours. */
export type Seen = {
  /** By burst, the hours it lasted before it was among the first five; `null` when it never was. */
  readonly delays: Map<Burst, number | null>;
  /**
   * Hours with bursts, and what was found in them: shares of the bursts (of five, where there are more), and of five
   * rows.
   */
  burstHours: number;
  foundShares: number;
  rightShares: number;
  /** Rows among the first five, and those of them that were in a burst. */
  rows: number;
  rightRows: number;
  /** Rows that rose without a burst, each once for as long as it stood there. Of our score alone. */
  falseRises: number;
};

type Looking = {
  readonly bursts: readonly Burst[];
  readonly scores: readonly string[];
  /** Before this hour nothing is looked at: there is no week to compare with. */
  readonly fromHour: number;
  /** Gets the first five rows of each score at the end of each hour. */
  readonly onRows?: (hour: number, score: string, queries: readonly string[]) => void;
};

/** Feeds searches through our projection, an hour at a time, and looks at every score's list at the end of each hour. */
export async function lookAtTrends(
  hours: Iterable<readonly Search[]> | AsyncIterable<readonly Search[]>,
  { bursts, scores, fromHour, onRows }: Looking,
): Promise<ReadonlyMap<string, Seen>> {
  const seen = new Map(scores.map((score) => [score, nothingSeen(bursts)]));
  const trends = await openCountedTrends();
  const readers = createReaders();
  let rising = new Set<string>();
  try {
    for await (const searches of hours) {
      if (searches.length === 0) continue;
      const hour = Math.floor(searches[0]!.second / hourSeconds);
      await trends.count(searches);
      readers.add(searches, hour);
      if (hour < fromHour) continue;
      const endSecond = (hour + 1) * hourSeconds;
      const active = bursts.filter(({ fromSecond, toSecond }) => fromSecond < endSecond && endSecond <= toSecond);
      for (const [score, of] of seen) {
        const listed = score === ours ? await trends.risingAt(endSecond - 1) : readers.first(peerScores[score]!, hour);
        const first = listed.slice(0, firstRows);
        look(of, first, active, endSecond);
        onRows?.(hour, score, first);
        if (score !== ours) continue;
        of.falseRises += listed.filter((query) => !rising.has(query) && !isIn(query, bursts, endSecond)).length;
        rising = new Set(listed);
      }
    }
  } finally {
    await trends.close();
  }
  return seen;
}

function nothingSeen(bursts: readonly Burst[]): Seen {
  const delays = new Map(bursts.map((burst): [Burst, null] => [burst, null]));
  return { delays, burstHours: 0, foundShares: 0, rightShares: 0, rows: 0, rightRows: 0, falseRises: 0 };
}

function look(seen: Seen, first: readonly string[], active: readonly Burst[], endSecond: number): void {
  const found = active.filter(({ query }) => first.includes(query));
  seen.rows += first.length;
  seen.rightRows += found.length;
  for (const burst of found) {
    seen.delays.set(burst, seen.delays.get(burst) ?? (endSecond - burst.fromSecond) / hourSeconds);
  }
  if (active.length === 0) return;
  seen.burstHours++;
  seen.foundShares += found.length / Math.min(firstRows, active.length);
  seen.rightShares += found.length / firstRows;
}

/** A query rises for some time after its burst, too: its readers are still among those of the last hours. */
function isIn(query: string, bursts: readonly Burst[], second: number): boolean {
  const dayAfter = 24 * hourSeconds;
  return bursts.some((one) => one.query === query && one.fromSecond < second && second <= one.toSecond + dayAfter);
}

/** Distinct readers of each query and hour, for the scores of others. */
function createReaders() {
  const byQuery = new Map<string, Int32Array>();
  const readersOf = (counts: Int32Array): ReadersByHour => ({ at: (hour) => counts[hour % keptHours]! });
  let lastHour: number | null = null;
  return {
    add: (searches: readonly Search[], hour: number): void => {
      for (let passed = Math.max(hour - keptHours, lastHour ?? hour) + 1; passed <= hour; passed++) {
        for (const counts of byQuery.values()) counts[passed % keptHours] = 0;
      }
      lastHour = hour;
      for (const pair of new Set(searches.map(({ query, reader }) => `${query}\t${reader}`))) {
        const query = pair.slice(0, pair.indexOf('\t'));
        const counts = byQuery.get(query) ?? new Int32Array(keptHours);
        counts[hour % keptHours]!++;
        byQuery.set(query, counts);
      }
    },
    first: (score: (readers: ReadersByHour, nowHour: number) => number, hour: number): readonly string[] =>
      Array.from(byQuery, ([query, counts]) => ({ query, score: score(readersOf(counts), hour) }))
        .filter((one) => one.score > 0)
        .sort((one, other) => other.score - one.score || (one.query < other.query ? -1 : 1))
        .slice(0, firstRows)
        .map(({ query }) => query),
  };
}
