import type { Knowledge } from '../model/knowledge.ts';
import { windowOf, type Fact } from '../model/reader-window.ts';
import { createStrongest } from '../model/strongest.ts';
import { strengths } from '../recommendation-projection.ts';
import type { Taste } from '../store/recommendation-store.ts';

/** One thing a reader did that speaks for a work, and how much. */
export type Evidence = {
  /** What other readers read, what books say about themselves, or a search of the reader's own. */
  readonly tier: 'read-together' | 'similar' | 'searched';
  readonly weight: number;
  readonly source: Fact | { readonly query: string };
};

/** A work and what speaks for it; the evidence adds up to the score. */
export type Ranked = {
  /** By the number of the work in the model. */
  readonly work: number;
  /** Above 0. */
  readonly score: number;
  /** The part of the score that comes from what other readers read. */
  readonly together: number;
  /** Whether anything else speaks for it. */
  readonly isBeside: boolean;
  readonly evidence: () => readonly Evidence[];
};

const seedsUsed = { recent: 40, recentTimes: 12, similar: 12, searches: 5, resultsPerSearch: 2 };
/** How much less each older book or search of a reader counts. */
const decay = { facts: 0.8, searches: 0.8, results: 0.85 };
/** A result of a reader's own search against a book like it. */
const shares = { result: 0.5, nearResult: 0.4 };
/** At so many readers of a book, what it says about itself counts half. */
const halfFadedAt = 20;

/** Books that were acted on in any way: they are never suggested. */
export function settledBooks({ liked, verdicts }: Taste): readonly number[] {
  return [...liked, ...verdicts].map(({ bookId }) => bookId);
}

/**
 * Scores the works a reader has not settled, best first, at most `most`; ties by the work's smallest book id. Pure: the
 * same taste and knowledge give the same list.
 */
export function createRanking({ model, shelf }: Knowledge, most: number): (taste: Taste) => readonly Ranked[] {
  const { counts } = model;
  const workOf = (bookId: number): number => {
    const number = counts.numberOf(bookId);
    return number === -1 ? -1 : counts.workOf(number);
  };
  const fading = (work: number): number => (work === -1 ? 1 : 1 / (1 + counts.readersOf(work) / halfFadedAt));
  let together = new Float64Array(1_024);
  let besides = new Float64Array(1_024);
  /** 1 for works that are in `touched` already. */
  let isTouched = new Uint8Array(1_024);
  const makeRoom = (): void => {
    if (together.length >= counts.size()) return;
    const size = counts.size() * 2;
    [together, besides, isTouched] = [new Float64Array(size), new Float64Array(size), new Uint8Array(size)];
  };
  const strongest = createStrongest(most, (one, other) => counts.orderOf(one) < counts.orderOf(other));

  return (taste) => {
    const seeds = seedsOf(windowOf(taste), workOf);
    const beside = besideEvidence(taste, seeds);
    makeRoom();
    const touched: number[] = [];
    const touch = (work: number): void => {
      if (isTouched[work] === 1) return;
      isTouched[work] = 1;
      touched.push(work);
    };
    for (const [work, { weight, isRecent }] of seeds) {
      model.eachFor(work, isRecent, (target, weightOfOne) => {
        touch(target);
        together[target]! += weight * weightOfOne;
      });
    }
    for (const [work, evidence] of beside) {
      touch(work);
      besides[work] = evidence.reduce((sum, { weight }) => sum + weight, 0);
    }
    for (const bookId of settledBooks(taste)) {
      const work = workOf(bookId);
      if (work !== -1) together[work] = besides[work] = 0;
    }
    strongest.clear();
    for (const work of touched) {
      const score = together[work]! + besides[work]!;
      if (score > 0) strongest.offer(work, score);
    }
    const ranked = Array.from(strongest.works(), (work): Ranked => ({
      work,
      score: together[work]! + besides[work]!,
      together: together[work]!,
      isBeside: beside.has(work),
      evidence: () => [...togetherEvidence(work, seeds), ...(beside.get(work) ?? [])],
    }));
    for (const work of touched) together[work] = besides[work] = isTouched[work] = 0;
    return ranked.sort(
      (one, other) => other.score - one.score || counts.orderOf(one.work) - counts.orderOf(other.work),
    );
  };

  function togetherEvidence(work: number, seeds: ReadonlyMap<number, Seed>): readonly Evidence[] {
    const weightOf = model.weightFor(work);
    return [...seeds].flatMap(([seed, { fact, weight, isRecent }]) => {
      const weightOfOne = weightOf(seed, isRecent);
      return weightOfOne === 0 ? [] : [{ tier: 'read-together', weight: weight * weightOfOne, source: fact } as const];
    });
  }

  function besideEvidence(taste: Taste, seeds: ReadonlyMap<number, Seed>): ReadonlyMap<number, readonly Evidence[]> {
    const found = new Map<number, Evidence[]>();
    const add = (bookId: number, evidence: Evidence): void => {
      const work = workOf(bookId);
      if (work === -1) return;
      const known = found.get(work);
      if (known === undefined) found.set(work, [evidence]);
      else known.push(evidence);
    };
    for (const [work, { fact, weight }] of [...seeds].slice(0, seedsUsed.similar)) {
      const faded = weight * fading(work);
      for (const { bookId, similarity } of shelf.neighbours(fact.bookId)) {
        add(bookId, { tier: 'similar', weight: faded * similarity, source: fact });
      }
    }
    for (const [age, { query, bookIds }] of taste.searches.slice(0, seedsUsed.searches).entries()) {
      for (const [place, bookId] of bookIds.entries()) {
        const weight = decay.searches ** age * decay.results ** place;
        add(bookId, { tier: 'searched', weight: shares.result * weight, source: { query } });
        if (place >= seedsUsed.resultsPerSearch) continue;
        const faded = shares.nearResult * weight * fading(workOf(bookId));
        for (const near of shelf.neighbours(bookId)) {
          const shared = faded * near.similarity;
          add(near.bookId, { tier: 'searched', weight: shared, source: { query } });
        }
      }
    }
    return found;
  }
}

type Seed = { readonly fact: Fact; readonly weight: number; readonly isRecent: boolean };

/** By work, the latest fact about it. Facts of one time are equally recent. */
function seedsOf(facts: readonly Fact[], workOf: (bookId: number) => number): ReadonlyMap<number, Seed> {
  const seeds = new Map<number, Seed>();
  let [age, time] = [0, facts[0]?.time];
  for (const fact of facts) {
    if (fact.time !== time) age++;
    time = fact.time;
    const work = workOf(fact.bookId);
    if (work === -1 || seeds.has(work)) continue;
    const weight = (fact.strength / strengths.wanted) * decay.facts ** age;
    seeds.set(work, { fact, weight, isRecent: seeds.size < seedsUsed.recent && age < seedsUsed.recentTimes });
  }
  return seeds;
}
