import { normalised, type WantedBook } from './query-sets.ts';

/** The first page of an answer. */
export type Answered = readonly { readonly title: string; readonly author: string }[];

export type SetResult = {
  readonly set: string;
  readonly queries: number;
  readonly success_at_1: number;
  readonly success_at_5: number;
  readonly mrr_at_10: number;
  readonly p50_ms: number;
  readonly p95_ms: number;
  readonly p99_ms: number;
};

/** Asks every query once and says, set by set, how often the wanted book was found and how long that took. */
export function askQueries(wanted: readonly WantedBook[], ask: (query: string) => Answered): readonly SetResult[] {
  const sets = new Map<string, { ranks: number[]; times: number[] }>();
  for (const want of wanted) {
    let set = sets.get(want.set);
    if (set === undefined) sets.set(want.set, (set = { ranks: [], times: [] }));
    const before = performance.now();
    const answered = ask(want.query);
    set.times.push(performance.now() - before);
    const rank = 1 + answered.findIndex((book) => isWanted(book, want));
    set.ranks.push(rank);
    if (process.env['SAMSA_MISSES']?.split(',').includes(want.set) === true && (rank === 0 || rank > 5)) {
      console.error(
        `${want.set}\t${want.query}\t${want.title}\t${answered
          .slice(0, 3)
          .map(({ title }) => title)
          .join(' | ')}`,
      );
    }
  }
  return [...sets].map(([set, { ranks, times }]) => summary(set, ranks, times));
}

/** In the author sets any book by that author is right. */
function isWanted(book: Answered[number], { set, title, author }: WantedBook): boolean {
  if (set.startsWith('author_only')) return normalised(book.author).includes(normalised(author));
  return normalised(book.title) === normalised(title);
}

function summary(set: string, ranks: readonly number[], times: readonly number[]): SetResult {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => Number((sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(3));
  const mean = (value: (rank: number) => number): number =>
    Number((ranks.reduce((sum, rank) => sum + value(rank), 0) / ranks.length).toFixed(3));
  return {
    set,
    queries: ranks.length,
    success_at_1: mean((rank) => Number(rank === 1)),
    success_at_5: mean((rank) => Number(rank > 0 && rank <= 5)),
    mrr_at_10: mean((rank) => (rank === 0 ? 0 : 1 / rank)),
    p50_ms: at(0.5),
    p95_ms: at(0.95),
    p99_ms: at(0.99),
  };
}
