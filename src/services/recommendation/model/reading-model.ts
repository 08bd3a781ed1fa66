import { countsIn, createTiles, type Tiles } from './all-works.ts';
import { createReaderCounts, type ReaderCounts } from './reader-counts.ts';
import type { Scores } from './by-number.ts';
import { createSolver, createWeights, mostNeighbours, type Weighted } from './weights.ts';

/** The model: how much each book suggests another one, learnt from the books that readers have in common. */
export type ReadingModel = {
  readonly counts: ReaderCounts;
  /** Solves the works whose readers changed, until the time is over. @returns false when there are none left. */
  readonly solveChanged: (untilMs: number, stopwatch: () => number) => boolean;
  /**
   * Solves all works in rounds, a part at each call, until the time is over. After a full round without changes, every
   * weight equals that of a newly built model. @returns false when there is nothing to do.
   */
  readonly solveRound: (untilMs: number, stopwatch: () => number) => boolean;
  /** Solves every work. */
  readonly solveAll: () => void;
  /** Adds how much works suggest each other one: weights times `weight`, cosines times `recentShare`. */
  readonly addTo: (scores: Scores, seeds: readonly (Weighted & { readonly recentShare: number })[]) => void;
  /** How much a work suggests another one. */
  readonly weightOf: (work: number, target: number) => number;
  /** Whether the weights are those of all works solved together. */
  readonly coversAll: () => boolean;
  /** How much a recent work suggests another one in addition to its weight, when this many readers have both. */
  readonly cosine: (work: number, target: number, readers: number) => number;
};

const fewestNeighbours = 32;
/** So many works are also solved together: it takes 15 seconds of a processor, and 200 MB for as long. */
const mostTogether = 4_096;
/** How much greater the ridge is where all works are solved together. Then no neighbour is too far away to count. */
const ridgeTogether = 4;
/** Works times neighbours squared: with more neighbours, a round over all works would take a minute of a processor. */
const mostWork = 2 ** 28;
/** The ridge of a work that all readers have. With fewer than `fewestForRidge` readers, it is as with that many. */
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

/** How many neighbours of a work are solved, by how many works have readers: as many as there is time for. */
export function neighboursFor(works: number): number {
  let neighbours = mostNeighbours;
  while (neighbours > fewestNeighbours && works * neighbours ** 2 > mostWork) neighbours /= 2;
  return neighbours;
}

/**
 * The ridge (regularization) of a work with one reader, by how many readers there are. With the readers of a work it
 * grows by their root.
 */
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
  let round: Generator<void> | null = null;
  /** Works that were solved again because of a change after the start of the round. */
  const newer = new Set<number>();

  const solveOne = (work: number): void => {
    changed.delete(work);
    if (counts.readersOf(work) === 0) weights.put(work, none);
    else weights.put(work, solver(work, neighboursFor(counts.works()), ridgeFor(counts.readers())));
  };
  function* roundOverAll(): Generator<void> {
    isSettled = true;
    changed.clear();
    newer.clear();
    const works = yield* worksHeld(counts);
    if (works !== null) {
      const tiles = yield* countTogether(counts, works);
      weights.putAll({ works, values: yield* solveTogether(tiles, ridgeFor(counts.readers())) }, newer);
      return;
    }
    for (let work = 0; work < counts.size(); work++) {
      solveOne(work);
      yield;
    }
    weights.putAll(null, newer);
  }
  return {
    counts,
    solveChanged: (untilMs, stopwatch) => {
      for (const work of changed) {
        solveOne(work);
        newer.add(work);
        if (stopwatch() >= untilMs) return changed.size > 0;
      }
      return false;
    },
    solveRound: (untilMs, stopwatch) => {
      while (stopwatch() < untilMs) {
        if (round === null && isSettled) return false;
        round ??= roundOverAll();
        if (round.next().done === true) round = null;
      }
      return true;
    },
    solveAll: () => {
      round = null;
      for (const _ of roundOverAll());
    },
    addTo: (scores, seeds) => {
      weights.addTo(scores, seeds);
      for (const { work, recentShare } of seeds) {
        const fewest = recentShare > 0 ? fewestFor(work) : Number.POSITIVE_INFINITY;
        if (fewest === Number.POSITIVE_INFINITY) continue;
        const share = cosineShare * recentShare * counts.inverseRootOf(work);
        counts.pairs.eachOf(work, fewest, (other, readers) => {
          scores.add(other, share * readers * counts.inverseRootOf(other));
        });
      }
    },
    weightOf: weights.of,
    coversAll: weights.coversAll,
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

/**
 * The works that a reader has, in the order of their books, so that equal counts give equal weights to the last bit.
 * @returns null when they are too many to be solved together.
 */
function* worksHeld(counts: ReaderCounts): Generator<void, Int32Array | null> {
  const held = new Set<number>();
  for (const works of counts.worksByReader()) {
    for (const work of works) held.add(work);
    if (held.size > mostTogether) return null;
    yield;
  }
  return Int32Array.from(held).sort((one, other) => counts.orderOf(one) - counts.orderOf(other));
}

/** How many readers have both of two works, from all works that are known of a reader. */
function* countTogether(counts: ReaderCounts, works: Int32Array): Generator<void, Tiles> {
  const rowOf = new Map(Array.from(works, (work, row) => [work, row]));
  const tiles = createTiles(works.length);
  for (const held of counts.worksByReader()) {
    const rows = held.flatMap((work) => rowOf.get(work) ?? []);
    for (const [at, row] of rows.entries()) for (let to = 0; to <= at; to++) tiles.add(row, rows[to]!, 1);
    yield;
  }
  return tiles;
}

/**
 * The mean of two models: NR-EASE, which is better on sparse data, and EASE over all works, which is better where
 * tastes are broad: with P = (G + Λ)⁻¹ and Λ_ii = ridge · √g_ii, w_ij = −p_ij / p_jj.
 */
function* solveTogether(tiles: Tiles, ridge: number): Generator<void, Float32Array> {
  const { size } = tiles;
  const values = new Float32Array(size * size);
  const counts = countsIn(tiles);
  const solver = createSolver(counts);
  for (let target = 0; target < size; target++) {
    const { neighbours, weights } = solver(target, mostNeighbours, ridge);
    for (const [at, other] of neighbours.entries()) values[other * size + target] = weights[at]! / 2;
    yield;
  }
  for (let row = 0; row < size; row++) tiles.add(row, row, ridgeTogether * ridge * Math.sqrt(counts.readersOf(row)));
  yield* tiles.invert();
  for (let target = 0; target < size; target++) {
    const own = -2 * tiles.get(target, target);
    for (let other = 0; other < size; other++) {
      if (other !== target) values[other * size + target]! += tiles.get(other, target) / own;
    }
    yield;
  }
  return values;
}

const none = { neighbours: new Int32Array(0), weights: new Float64Array(0) };
