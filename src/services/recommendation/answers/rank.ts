import { booksOf, booksUsed, type Knowledge, type Fact } from '../model/knowledge.ts';
import { createMarks, createScores, createStrongest } from '../model/by-number.ts';
import type { Neighbours } from '../model/content-neighbours.ts';
import type { Weighted } from '../model/weights.ts';
import { strengths } from '../recommendation-projection.ts';
import type { Taste } from '../store/recommendation-store.ts';

/** One thing a reader did because of which a work is suggested, and how much it counts. */
export type Evidence = {
  /** Where it comes from: what other readers read, the descriptions of books, or the reader's own searches. */
  readonly tier: 'read-together' | 'similar' | 'searched';
  readonly weight: number;
  readonly source: Fact | { readonly query: string };
};

/** A work and its score. */
export type Ranked = {
  /** By the number of the work in the model. */
  readonly work: number;
  /** Above 0. */
  readonly score: number;
  /** The part of the score that comes from what other readers read. */
  readonly together: number;
  /** Whether descriptions or the reader's own searches also speak for it. Such evidence may always be shown. */
  readonly hasOther: boolean;
};

export type Ranking = {
  /** Best first. */
  readonly works: readonly Ranked[];
  /** Numbers of the books that are not suggested again, because the reader acted on them in any way. */
  readonly settled: readonly number[];
  /**
   * All evidence for a work; it adds up to the score. Valid until the model changes.
   * @param fewestReaders leaves out pairs of books that fewer readers have.
   */
  readonly evidence: (ranked: Ranked, fewestReaders: number) => Iterable<Evidence>;
};

const seedsUsed = { recent: 40, recentTimes: 12, similar: 12, searches: 5, resultsPerSearch: 2 };
/** Books that count less than this share of the latest one are left out, because they change a score too little. */
const leastShare = 0.002;
/** How many works stay in the list for what other readers read, even when similar descriptions would fill it. */
const togetherKept = 50;
/** The factor by which each older book or search of a reader counts less. */
const decay = { facts: 0.8, searches: 0.8, results: 0.85 };
/** The shares of a result of the reader's own search, and of a book similar to it. */
const shares = { result: 0.5, nearResult: 0.4 };
/** A book's description counts half when the book has this many readers. */
const halfFadedAt = 20;

/** Evidence from descriptions or own searches, not from other readers: `works[i]` gets `weights[i]`. */
type Beside = Omit<Evidence, 'weight'> & { readonly works: readonly number[]; readonly weights: readonly number[] };

/**
 * Scores the works that a reader has not settled. Returns the `most` best, then those that are best by what other
 * readers read alone. Ties by the work's smallest book id. Pure: the same taste and knowledge give the same list.
 */
export function createRanking({ model, shopBooks }: Knowledge, most: number): (taste: Taste) => Ranking {
  const { counts } = model;
  const workOf = (bookId: number): number => {
    const number = counts.numberOf(bookId);
    return number === -1 ? -1 : counts.workOf(number);
  };
  const fading = (work: number): number => 1 / (1 + counts.readersOf(work) / halfFadedAt);
  const together = createScores();
  const besides = createScores();
  const comesFirst = (one: number, other: number): boolean => counts.orderOf(one) < counts.orderOf(other);
  const strongest = createStrongest(most, comesFirst);
  const mostTogether = createStrongest(togetherKept, comesFirst);
  const found = createMarks();

  return (taste) => {
    const seeds = seedsOf(booksOf(taste).slice(0, booksUsed), workOf, model.coversAll());
    const beside = besideEvidence(taste, seeds);
    const settled = [...taste.liked, ...taste.verdicts]
      .map(({ bookId }) => counts.numberOf(bookId))
      .filter((number) => number !== -1);
    model.addTo(together, seeds);
    for (const { works, weights } of beside)
      for (let at = 0; at < works.length; at++) besides.add(works[at]!, weights[at]!);
    for (const number of settled) together.add(counts.workOf(number), Number.NEGATIVE_INFINITY);
    const works: Ranked[] = [];
    const take = (work: number): void => {
      if (found.has(work)) return;
      found.add(work);
      const share = together.of(work);
      works.push({ work, score: share + besides.of(work), together: share, hasOther: besides.has(work) });
    };
    strongest.clear();
    mostTogether.clear();
    for (const work of together.works()) {
      const share = together.of(work);
      const score = share + besides.of(work);
      if (score > 0) strongest.offer(work, score);
      if (share > 0) mostTogether.offer(work, share);
    }
    for (const work of besides.works()) if (!together.has(work)) strongest.offer(work, besides.of(work));
    for (const work of strongest.works()) take(work);
    for (const work of mostTogether.works()) take(work);
    for (const used of [together, besides, found]) used.clear();
    works.sort((one, other) => other.score - one.score || counts.orderOf(one.work) - counts.orderOf(other.work));
    return {
      works,
      settled,
      *evidence({ work, hasOther }, fewestReaders) {
        yield* togetherEvidence(work, seeds, fewestReaders);
        if (!hasOther) return;
        for (const { tier, source, works, weights } of beside) {
          for (let at = works.indexOf(work); at !== -1; at = works.indexOf(work, at + 1)) {
            yield { tier, source, weight: weights[at]! };
          }
        }
      },
    };
  };

  function* togetherEvidence(work: number, seeds: readonly Seed[], fewestReaders: number): Generator<Evidence> {
    if (counts.readersOf(work) < fewestReaders) return;
    for (const { work: seed, fact, weight, recentShare } of seeds) {
      const readers = counts.pairs.get(seed, work);
      if (readers < fewestReaders) continue;
      const weightOfOne = weight * model.weightOf(seed, work) + recentShare * model.cosine(seed, work, readers);
      if (weightOfOne !== 0) yield { tier: 'read-together', weight: weightOfOne, source: fact };
    }
  }

  function besideEvidence(taste: Taste, seeds: readonly Seed[]): readonly Beside[] {
    const found: Beside[] = [];
    const add = (tier: Beside['tier'], source: Beside['source'], factor: number, near: Neighbours): void => {
      const weights = near.similarities.map((similarity) => factor * similarity);
      found.push({ tier, source, works: near.numbers.map(counts.workOf), weights });
    };
    for (const { work, fact, weight } of seeds.slice(0, seedsUsed.similar)) {
      add('similar', fact, weight * fading(work), shopBooks.neighbours(counts.numberOf(fact.bookId)));
    }
    for (const [age, { query, bookIds }] of taste.searches.slice(0, seedsUsed.searches).entries()) {
      const source = { query };
      for (const [rank, bookId] of bookIds.entries()) {
        const number = counts.numberOf(bookId);
        if (number === -1) continue;
        const weight = decay.searches ** age * decay.results ** rank;
        add('searched', source, shares.result * weight, { numbers: [number], similarities: [1] });
        if (rank >= seedsUsed.resultsPerSearch) continue;
        const faded = shares.nearResult * weight * fading(counts.workOf(number));
        add('searched', source, faded, shopBooks.neighbours(number));
      }
    }
    return found;
  }
}

type Seed = Weighted & {
  readonly fact: Fact;
  /**
   * What it says about the reader's taste at the moment; 0 for older ones. Works of one time share it. If they are too
   * many to use all, none of them gets a share.
   */
  readonly recentShare: number;
};

/**
 * The latest fact of each work. Facts of one time are equally recent.
 * @param coveredByWeights whether weights cover every pair of works. Then cosines only say what is recent, and among
 *   works of one time they hardly count.
 */
function seedsOf(
  facts: readonly Fact[],
  workOf: (bookId: number) => number,
  coveredByWeights: boolean,
): readonly Seed[] {
  const seeds: { work: number; fact: Fact; weight: number; age: number }[] = [];
  const met = new Set([-1]);
  const worksByAge: number[] = [];
  let [age, time] = [0, facts[0]?.time];
  for (const fact of facts) {
    if (fact.time !== time) age++;
    time = fact.time;
    const work = workOf(fact.bookId);
    if (met.has(work)) continue;
    const share = decay.facts ** age;
    if (share < leastShare) break;
    met.add(work);
    seeds.push({ work, fact, weight: (fact.strength / strengths.wanted) * share, age });
    worksByAge[age] = (worksByAge[age] ?? 0) + 1;
  }
  let [recentTimes, worksSoFar] = [0, 0];
  for (const works of worksByAge.slice(0, seedsUsed.recentTimes)) {
    worksSoFar += works ?? 0;
    if (worksSoFar > seedsUsed.recent) break;
    recentTimes++;
  }
  return seeds.map(({ work, fact, weight, age: ofWork }) => {
    const divisor = worksByAge[ofWork]! ** (coveredByWeights ? 2 : 1);
    return { work, fact, weight, recentShare: ofWork < recentTimes ? weight / divisor : 0 };
  });
}
