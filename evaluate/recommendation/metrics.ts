/** What a list of suggestions is worth against the items a user liked afterwards. */
export type Metrics = {
  readonly recall_at_10: number;
  readonly recall_at_20: number;
  readonly recall_at_50: number;
  readonly ndcg_at_10: number;
  readonly ndcg_at_20: number;
  readonly ndcg_at_100: number;
  readonly hit_rate_at_20: number;
  /** The part of all items that is among anybody's first 20. */
  readonly coverage: number;
};

/** Averages over users, or over events. */
type MetricsSum = {
  readonly add: (ranking: readonly number[], liked: ReadonlySet<number>) => void;
  /** @param items how many there are. */
  readonly means: (items: number) => Metrics;
};

export function createMetricsSum(): MetricsSum {
  const sums = { recall_at_10: 0, recall_at_20: 0, recall_at_50: 0, ndcg_at_10: 0, ndcg_at_20: 0, ndcg_at_100: 0 };
  let [hits, cases] = [0, 0];
  const shown = new Set<number>();
  return {
    add: (ranking, liked) => {
      cases++;
      for (const k of [10, 20, 50] as const) sums[`recall_at_${k}`] += hitsIn(ranking, liked, k) / liked.size;
      for (const k of [10, 20, 100] as const) sums[`ndcg_at_${k}`] += ndcg(ranking, liked, k);
      if (hitsIn(ranking, liked, 20) > 0) hits++;
      for (const item of ranking.slice(0, 20)) shown.add(item);
    },
    means: (items) => {
      const mean = (sum: number): number => Number((sum / Math.max(1, cases)).toFixed(4));
      const means = Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, mean(sum)]));
      const coverage = Number((shown.size / Math.max(1, items)).toFixed(4));
      return { ...(means as typeof sums), hit_rate_at_20: mean(hits), coverage };
    },
  };
}

function hitsIn(ranking: readonly number[], liked: ReadonlySet<number>, k: number): number {
  return ranking.slice(0, k).filter((item) => liked.has(item)).length;
}

/** Normalised discounted cumulative gain with gains of 0 and 1 (Järvelin and Kekäläinen, 2002). */
function ndcg(ranking: readonly number[], liked: ReadonlySet<number>, k: number): number {
  let [gain, best] = [0, 0];
  for (let place = 0; place < Math.min(k, ranking.length); place++) {
    if (liked.has(ranking[place]!)) gain += 1 / Math.log2(place + 2);
  }
  for (let place = 0; place < Math.min(k, liked.size); place++) best += 1 / Math.log2(place + 2);
  return gain / best;
}
