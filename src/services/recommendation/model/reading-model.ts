import { createReaderCounts, type ReaderCounts } from './reader-counts.ts';
import type { Scores } from './by-number.ts';
import { createSolver, type SolvedWork, createWeights } from './weights.ts';

/** The model: how much each book suggests another one, learnt from the books that readers have in common. */
export type ReadingModel = {
  readonly counts: ReaderCounts;
  /** Solves the works whose readers changed, until the time is over. @returns false when there are none left. */
  readonly solveChanged: (untilMs: number, stopwatch: () => number) => boolean;
  /**
   * Solves works in turn until the time is over. After a full round without changes, every weight equals that of a
   * newly built model. @returns false when there is nothing to do.
   */
  readonly solveOthers: (untilMs: number, stopwatch: () => number) => boolean;
  /** Solves every work. */
  readonly solveAll: () => void;
  /** Adds how much a work suggests each other one, times a factor. */
  readonly addTo: (scores: Scores, work: number, isRecent: boolean, factor: number) => void;
  /**
   * The works that suggest this one, with their weights. Valid until the next change. For a recent work, `cosine` is
   * added.
   */
  readonly weightsFor: (target: number) => SolvedWork;
  /** How much a recent work suggests another one in addition to its weight, when this many readers have both. */
  readonly cosine: (work: number, target: number, readers: number) => number;
};

export const neighboursPerWork = 32;

/** How much the cosine of a recent book counts in addition to its weight. */
const cosineShare = 0.15;
/**
 * A work that shares readers with more works than this has no cosine: it says little about each, and reading them takes
 * long.
 */
const broadest = 4_096;
/** If a work shares readers with more works than this, pairs with only one reader are ignored. */
const broad = 256;

/**
 * The ridge (regularization) for this many facts. It changes only when the facts have doubled, so that not every event
 * changes every weight. It is strong for few facts, weaker for more, and strong again for very many. The values were
 * chosen on parts of training data (decision 031).
 */
export function ridgeFor(facts: number): number {
  const doublings = Math.floor(Math.log2(Math.max(1, facts)));
  if (doublings <= 16) return 100;
  return doublings === 17 ? 70 : 50 * 2 ** ((doublings - 18) / 4);
}

/**
 * NR-EASE over the books of all readers, kept current work by work. For recent books the cosine of their readers is
 * added: it covers more works than the solved weights, and follows what a reader likes at the moment.
 */
export function createReadingModel(): ReadingModel {
  const changed = new Set<number>();
  const counts = createReaderCounts((work) => {
    changed.add(work);
    isSettled = false;
  });
  const solver = createSolver(counts, neighboursPerWork);
  const weights = createWeights(neighboursPerWork);
  /** Whether the present or last round has seen every change. */
  let isSettled = true;
  let next = Number.POSITIVE_INFINITY;
  let facts = 0;

  const solveOne = (work: number): void => {
    changed.delete(work);
    if (counts.readersOf(work) === 0) weights.put(work, none);
    else weights.put(work, solver(work, ridgeFor(facts)));
  };
  const startRound = (): void => {
    isSettled = true;
    next = 0;
    facts = counts.facts();
  };
  return {
    counts,
    solveChanged: (untilMs, stopwatch) => {
      for (const work of changed) {
        solveOne(work);
        if (stopwatch() >= untilMs) return changed.size > 0;
      }
      return false;
    },
    solveOthers: (untilMs, stopwatch) => {
      while (stopwatch() < untilMs) {
        if (next >= counts.size()) {
          if (isSettled) return false;
          startRound();
        }
        solveOne(next++);
      }
      return true;
    },
    solveAll: () => {
      startRound();
      for (let work = 0; work < counts.size(); work++) solveOne(work);
      next = counts.size();
    },
    addTo: (scores, work, isRecent, factor) => {
      weights.addTo(scores, work, factor);
      const fewest = isRecent ? fewestFor(work) : Number.POSITIVE_INFINITY;
      if (fewest === Number.POSITIVE_INFINITY) return;
      const share = cosineShare * factor * counts.inverseRootOf(work);
      counts.pairs.eachOf(work, fewest, (other, readers) => {
        scores.add(other, share * readers * counts.inverseRootOf(other));
      });
    },
    weightsFor: weights.of,
    cosine: (work, target, readers) => {
      if (readers < fewestFor(work)) return 0;
      return cosineShare * readers * counts.inverseRootOf(work) * counts.inverseRootOf(target);
    },
  };

  /** The fewest common readers that count for a cosine. */
  function fewestFor(work: number): number {
    const breadth = counts.pairs.breadth(work);
    if (breadth > broadest) return Number.POSITIVE_INFINITY;
    return breadth > broad ? 2 : 1;
  }
}

const none = { neighbours: new Int32Array(0), weights: new Float64Array(0) };
