import { createReaderCounts, type ReaderCounts } from './reader-counts.ts';
import type { Scores } from './by-number.ts';
import { createSolver, createWeights, mostNeighbours, type SolvedWork } from './weights.ts';

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
  /** Adds how much a work suggests each other one: its weights times `factor`, its cosines times `recentShare`. */
  readonly addTo: (scores: Scores, work: number, factor: number, recentShare: number) => void;
  /** The works that suggest this one, with their weights. Valid until the next change. */
  readonly weightsFor: (target: number) => SolvedWork;
  /** How much a recent work suggests another one in addition to its weight, when this many readers have both. */
  readonly cosine: (work: number, target: number, readers: number) => number;
};

const fewestNeighbours = 32;
/** Works times neighbours squared: with more neighbours, a round over all works would take a minute of a processor. */
const mostWork = 2 ** 28;
/** The ridge of a work that all readers have; with fewer readers than `fewestForRidge`, as if there were so many. */
const ridgeOfAll = 800;
const fewestForRidge = 1_000;

/** How much the cosine of a recent book counts in addition to its weight. */
const cosineShare = 0.15;
/**
 * A work that shares readers with more works than this has no cosine: it says little about each, and reading them takes
 * long.
 */
const broadest = 4_096;
/** If a work shares readers with more works than this, pairs with only one reader are ignored. */
const broad = 256;

/** How many neighbours of a work are solved when so many works have readers: as many as there is time for. */
export function neighboursFor(works: number): number {
  let neighbours = mostNeighbours;
  while (neighbours > fewestNeighbours && works * neighbours ** 2 > mostWork) neighbours /= 2;
  return neighbours;
}

/** The ridge (regularization) of a work with one reader, when there are so many readers. It grows with the root of the work's. */
export function ridgeFor(readers: number): number {
  return ridgeOfAll / Math.sqrt(Math.max(fewestForRidge, readers));
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
  const solver = createSolver(counts);
  const weights = createWeights();
  /** Whether the present or last round has seen every change. */
  let isSettled = true;
  let next = Number.POSITIVE_INFINITY;

  const solveOne = (work: number): void => {
    changed.delete(work);
    if (counts.readersOf(work) === 0) weights.put(work, none);
    else weights.put(work, solver(work, neighboursFor(counts.works()), ridgeFor(counts.readers())));
  };
  const startRound = (): void => {
    isSettled = true;
    next = 0;
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
    addTo: (scores, work, factor, recentShare) => {
      weights.addTo(scores, work, factor);
      const fewest = recentShare > 0 ? fewestFor(work) : Number.POSITIVE_INFINITY;
      if (fewest === Number.POSITIVE_INFINITY) return;
      const share = cosineShare * recentShare * counts.inverseRootOf(work);
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
