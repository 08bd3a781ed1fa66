import { type Knowledge, windowOf, type Fact } from '../model/knowledge.ts';
import { createScores, createStrongest } from '../model/scores.ts';
import type { SolvedWork } from '../model/weights.ts';
import { strengths } from '../recommendation-projection.ts';
import type { Taste } from '../store/recommendation-store.ts';

/** One thing a reader did because of which a work is suggested, and how much it counts. */
export type Evidence = {
  /** Where it comes from: what other readers read, the descriptions of books, or the reader's own searches. */
  readonly tier: 'read-together' | 'similar' | 'searched';
  readonly weight: number;
  readonly source: Fact | { readonly query: string };
};

/** A work and the evidence for it. */
export type Ranked = {
  /** By the number of the work in the model. */
  readonly work: number;
  /** Above 0. */
  readonly score: number;
  /** The part of the score that comes from what other readers read. */
  readonly together: number;
  /** Whether there is other evidence. */
  readonly isBeside: boolean;
  /**
   * All evidence; it adds up to the score.
   * @param fewestReaders leaves out pairs of books that fewer readers have.
   */
  readonly evidence: (fewestReaders: number) => readonly Evidence[];
};

const seedsUsed = { recent: 40, recentTimes: 12, similar: 12, searches: 5, resultsPerSearch: 2 };
/** Books that count less than this share of the latest one are left out, because they hardly change a score. */
const leastShare = 0.002;
/** How many works stay in the list for what other readers read, even when similar descriptions would fill it. */
const togetherKept = 50;
/** The factor by which each older book or search of a reader counts less. */
const decay = { facts: 0.8, searches: 0.8, results: 0.85 };
/** The shares of a result of the reader's own search, and of a book similar to it. */
const shares = { result: 0.5, nearResult: 0.4 };
/** A book's description counts half when the book has this many readers. */
const halfFadedAt = 20;

/** Books that were acted on in any way: they are never suggested. */
export function settledBooks({ liked, verdicts }: Taste): readonly number[] {
  return [...liked, ...verdicts].map(({ bookId }) => bookId);
}

/**
 * Scores the works that a reader has not settled. Returns the `most` best, then those that are best by what other
 * readers read. Ties by the work's smallest book id. Pure: the same taste and knowledge give the same list.
 */
export function createRanking({ model, shelf }: Knowledge, most: number): (taste: Taste) => readonly Ranked[] {
  const { counts } = model;
  const workOf = (bookId: number): number => {
    const number = counts.numberOf(bookId);
    return number === -1 ? -1 : counts.workOf(number);
  };
  const fading = (work: number): number => (work === -1 ? 1 : 1 / (1 + counts.readersOf(work) / halfFadedAt));
  const together = createScores();
  const besides = createScores();
  const comesFirst = (one: number, other: number): boolean => counts.orderOf(one) < counts.orderOf(other);
  const strongest = createStrongest(most, comesFirst);
  const mostTogether = createStrongest(togetherKept, comesFirst);

  return (taste) => {
    const seeds = seedsOf(windowOf(taste), workOf);
    const beside = besideEvidence(taste, seeds);
    const settled = settledBooks(taste).map(workOf);
    for (const scores of [together, besides]) scores.makeRoom(counts.size());
    for (const [work, { weight, isRecent }] of seeds) model.addTo(together, work, isRecent, weight);
    for (const { work, weight } of beside) besides.add(work, weight);
    for (const work of settled) if (work !== -1) together.add(work, Number.NEGATIVE_INFINITY);
    const scoreOf = (work: number): number => together.of(work) + besides.of(work);
    const offer = (work: number): void => {
      const share = together.of(work);
      const score = share + besides.of(work);
      if (score > 0) strongest.offer(work, score);
      if (share > 0) mostTogether.offer(work, share);
    };
    strongest.clear();
    mostTogether.clear();
    for (const work of together.works()) offer(work);
    for (const work of besides.works()) if (!together.has(work)) offer(work);
    const found = new Set([...strongest.works(), ...mostTogether.works()].filter((work) => scoreOf(work) > 0));
    const ranked = Array.from(found, (work): Ranked => {
      const isBeside = besides.has(work);
      return {
        work,
        score: scoreOf(work),
        together: together.of(work),
        isBeside,
        evidence: (fewestReaders) => [
          ...togetherEvidence(work, seeds, fewestReaders),
          ...(isBeside ? beside.filter((one) => one.work === work) : []),
        ],
      };
    });
    together.clear();
    besides.clear();
    return ranked.sort(
      (one, other) => other.score - one.score || counts.orderOf(one.work) - counts.orderOf(other.work),
    );
  };

  function togetherEvidence(
    work: number,
    seeds: ReadonlyMap<number, Seed>,
    fewestReaders: number,
  ): readonly Evidence[] {
    if (counts.readersOf(work) < fewestReaders) return [];
    let learnt: SolvedWork | null = null;
    const found: Evidence[] = [];
    for (const [seed, { fact, weight, isRecent }] of seeds) {
      const readers = counts.pairs.get(work, seed);
      if (readers === 0 || readers < fewestReaders) continue;
      learnt ??= model.weightsFor(work);
      const weightOfOne =
        (learnt.weights[learnt.neighbours.indexOf(seed)] ?? 0) + (isRecent ? model.cosine(seed, work, readers) : 0);
      if (weightOfOne !== 0) found.push({ tier: 'read-together', weight: weight * weightOfOne, source: fact });
    }
    return found;
  }

  /** The evidence besides what other readers read, each with its work. */
  function besideEvidence(taste: Taste, seeds: ReadonlyMap<number, Seed>): readonly (Evidence & { work: number })[] {
    const found: (Evidence & { work: number })[] = [];
    const add = (bookId: number, tier: Evidence['tier'], weight: number, source: Evidence['source']): void => {
      const work = workOf(bookId);
      if (work !== -1) found.push({ work, tier, weight, source });
    };
    for (const [work, { fact, weight }] of [...seeds].slice(0, seedsUsed.similar)) {
      const faded = weight * fading(work);
      for (const { bookId, similarity } of shelf.neighbours(fact.bookId))
        add(bookId, 'similar', faded * similarity, fact);
    }
    for (const [age, { query, bookIds }] of taste.searches.slice(0, seedsUsed.searches).entries()) {
      const source = { query };
      for (const [place, bookId] of bookIds.entries()) {
        const weight = decay.searches ** age * decay.results ** place;
        add(bookId, 'searched', shares.result * weight, source);
        if (place >= seedsUsed.resultsPerSearch) continue;
        const faded = shares.nearResult * weight * fading(workOf(bookId));
        for (const near of shelf.neighbours(bookId)) add(near.bookId, 'searched', faded * near.similarity, source);
      }
    }
    return found;
  }
}

type Seed = { readonly fact: Fact; readonly weight: number; readonly isRecent: boolean };

/** The latest fact of each work. Facts of one time are equally recent. */
function seedsOf(facts: readonly Fact[], workOf: (bookId: number) => number): ReadonlyMap<number, Seed> {
  const seeds = new Map<number, Seed>();
  let [age, time] = [0, facts[0]?.time];
  for (const fact of facts) {
    if (fact.time !== time) age++;
    time = fact.time;
    const work = workOf(fact.bookId);
    if (work === -1 || seeds.has(work)) continue;
    const share = decay.facts ** age;
    if (share < leastShare) break;
    const weight = (fact.strength / strengths.wanted) * share;
    seeds.set(work, { fact, weight, isRecent: seeds.size < seedsUsed.recent && age < seedsUsed.recentTimes });
  }
  return seeds;
}
