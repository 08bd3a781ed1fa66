import type { CoCounts } from './co-counts.ts';
import { createStrongest, grown, type Scores } from './by-number.ts';

/** The works that suggest a work, and their weights: parallel lists. */
export type SolvedWork = { readonly neighbours: Int32Array; readonly weights: Float64Array };

export type Counts = {
  readonly pairs: Pick<CoCounts, 'get' | 'eachOf'>;
  /** How many readers have a work. */
  readonly readersOf: (work: number) => number;
  /** 1 / √`readersOf`; 0 without readers. */
  readonly inverseRootOf: (work: number) => number;
  /** Breaks ties between works, so that equal counts give equal weights in whatever order they arrived. */
  readonly orderOf: (work: number) => number;
};

/** How many bits an index in the row of a work takes. */
const indexBits = 8;
/** The most neighbours that any work may have. */
export const mostNeighbours = 2 ** indexBits;

/**
 * The weights of one work: a ridge regression of its readers on those of the `most` works with the largest
 * s_ij = g_ij / √g_ii, solved by Cholesky's method: (G_NN + Λ) w = g_Nj. The model is EASE (Steck, WWW 2019) restricted
 * to a neighbourhood for each work. The ridge Λ is diagonal, and larger for works with many readers and for neighbours
 * that are further away: Λ_ii = ridge · √g_ii · (max s / s_ij)^{3/2}.
 */
export function createSolver(counts: Counts): (work: number, most: number, ridge: number) => SolvedWork {
  const matrix = new Float64Array(mostNeighbours * mostNeighbours);
  const chosen = createStrongest(mostNeighbours, (one, other) => counts.orderOf(one) < counts.orderOf(other));
  return (work, most, ridge) => {
    chosen.clear(most);
    counts.pairs.eachOf(work, 1, (other, readers) => {
      chosen.offer(other, readers * counts.inverseRootOf(other));
    });
    const neighbours = chosen.works();
    const size = neighbours.length;
    const weights = new Float64Array(size);
    let nearest = 0;
    for (let row = 0; row < size; row++) {
      weights[row] = counts.pairs.get(work, neighbours[row]!);
      nearest = Math.max(nearest, weights[row]! * counts.inverseRootOf(neighbours[row]!));
    }
    for (let row = 0; row < size; row++) {
      const one = neighbours[row]!;
      for (let column = 0; column < row; column++)
        matrix[row * size + column] = counts.pairs.get(one, neighbours[column]!);
      const inverseRoot = counts.inverseRootOf(one);
      const distance = nearest / (weights[row]! * inverseRoot);
      matrix[row * size + row] = counts.readersOf(one) + (ridge / inverseRoot) * distance * Math.sqrt(distance);
    }
    solveInPlace(matrix, weights, size);
    return { neighbours, weights };
  };
}

/**
 * Solves the symmetric positive definite system whose lower half is in `matrix`; `values` becomes the solution. Two
 * columns are computed at once, which takes little more than half of the time.
 */
function solveInPlace(matrix: Float64Array, values: Float64Array, size: number): void {
  for (let row = 0; row < size; row++) {
    const at = row * size;
    let column = 0;
    for (; column + 1 < row; column += 2) {
      const one = column * size;
      const other = one + size;
      let first = matrix[at + column]!;
      let second = matrix[at + column + 1]!;
      for (let k = 0; k < column; k++) {
        const factor = matrix[at + k]!;
        first -= factor * matrix[one + k]!;
        second -= factor * matrix[other + k]!;
      }
      first /= matrix[one + column]!;
      matrix[at + column] = first;
      matrix[at + column + 1] = (second - first * matrix[other + column]!) / matrix[other + column + 1]!;
    }
    for (; column <= row; column++) {
      const other = column * size;
      let sum = matrix[at + column]!;
      for (let k = 0; k < column; k++) sum -= matrix[at + k]! * matrix[other + k]!;
      matrix[at + column] = column === row ? Math.sqrt(sum) : sum / matrix[other + column]!;
    }
    let value = values[row]!;
    for (let k = 0; k < row; k++) value -= matrix[at + k]! * values[k]!;
    values[row] = value / matrix[at + row]!;
  }
  for (let row = size - 1; row >= 0; row--) {
    let value = values[row]!;
    for (let k = row + 1; k < size; k++) value -= matrix[k * size + row]! * values[k]!;
    values[row] = value / matrix[row * size + row]!;
  }
}

/** A work of a reader, and how much it counts. */
export type Weighted = { readonly work: number; readonly weight: number };

/** The weights by which works suggest each other, for all of them: as many rows and columns as there are works. */
export type AllWeights = {
  /** The works, by row. */
  readonly works: Int32Array;
  /** At row · works + column, how much the work of the row suggests that of the column. */
  readonly values: Float32Array;
};

/** The weights of all works. */
export type Weights = {
  /** Replaces the weights of one suggested work, in time that does not depend on the number of works. */
  readonly put: (work: number, solved: SolvedWork) => void;
  /** Replaces the weights of all works except those in `newer`; `null`: all works have been put one by one. */
  readonly putAll: (next: AllWeights | null, newer: ReadonlySet<number>) => void;
  /** Adds how much works suggest each other one, times how much they count. */
  readonly addTo: (scores: Scores, speakers: readonly Weighted[]) => void;
  /** Whether there are weights for all works solved together. */
  readonly coversAll: () => boolean;
  /** How much one work suggests another. */
  readonly of: (speaker: number, target: number) => number;
};

/** Keeps works solved together in a matrix, and those solved one by one in lists. A work is in one of them only. */
export function createWeights(): Weights {
  let lists = createListed();
  let all: AllWeights = { works: new Int32Array(0), values: new Float32Array(0) };
  let rowOf: ReadonlyMap<number, number> = new Map();
  let sums = new Float64Array(0);
  const clearColumn = (work: number): void => {
    const column = rowOf.get(work);
    if (column === undefined) return;
    const { values } = all;
    for (let at = column; at < values.length; at += all.works.length) values[at] = 0;
  };
  return {
    put: (work, solved) => {
      clearColumn(work);
      lists.put(work, solved);
    },
    putAll: (next, newer) => {
      all = next ?? { works: new Int32Array(0), values: new Float32Array(0) };
      rowOf = new Map(Array.from(all.works, (work, row) => [work, row]));
      sums = new Float64Array(all.works.length);
      if (next === null) return;
      const before = lists;
      lists = createListed();
      for (const work of newer) {
        clearColumn(work);
        lists.put(work, before.of(work));
      }
    },
    addTo: (scores, speakers) => {
      sums.fill(0);
      const { works, values } = all;
      for (const { work, weight } of speakers) {
        lists.addTo(scores, work, weight);
        const row = rowOf.get(work);
        if (row === undefined) continue;
        const first = row * works.length;
        for (let column = 0; column < sums.length; column++) sums[column]! += weight * values[first + column]!;
      }
      for (let column = 0; column < sums.length; column++) {
        if (sums[column] !== 0) scores.add(works[column]!, sums[column]!);
      }
    },
    coversAll: () => all.works.length > 0,
    of: (speaker, target) => {
      const { neighbours, weights } = lists.of(target);
      const [row, column] = [rowOf.get(speaker), rowOf.get(target)];
      const together = row === undefined || column === undefined ? 0 : all.values[row * all.works.length + column]!;
      return together + (weights[neighbours.indexOf(speaker)] ?? 0);
    },
  };
}

/**
 * The weights by which one work suggests others, in no particular order: the suggested work and the index in its row,
 * as work · `mostNeighbours` + index, and a copy of the weight.
 */
type Spoken = { targets: Int32Array; values: Float64Array; size: number };

/** Weights by work, found from both sides: by the suggested work, and by the work that suggests it. */
function createListed() {
  /** By slot: the work that suggests, how much, and the index in that work's list. */
  let speakers = new Int32Array(1_024);
  let values = new Float64Array(speakers.length);
  let positions = new Int32Array(speakers.length);
  /** By work: the first slot of its row, the slots it has, and how many of them are used. */
  let firsts = new Int32Array(1);
  let rooms = new Int32Array(1);
  let sizes = new Int32Array(1);
  /** First slots of rows that were replaced by larger or smaller ones, by the logarithm of their number of slots. */
  const free = Array.from({ length: indexBits + 1 }, (): number[] => []);
  let end = 0;
  const spoken: (Spoken | undefined)[] = [];

  /** Gives a work a row for `size` weights. The number of slots is a power of two, so that rows can be used again. */
  const makeRoom = (work: number, size: number): void => {
    if (work >= sizes.length) {
      firsts = grown(firsts, work + 1);
      rooms = grown(rooms, work + 1);
      sizes = grown(sizes, work + 1);
    }
    const before = rooms[work]!;
    const room = size === 0 ? 0 : 2 ** Math.ceil(Math.log2(size));
    if (room === before) return;
    if (before > 0) free[Math.log2(before)]!.push(firsts[work]!);
    rooms[work] = room;
    if (room === 0) return;
    const used = free[Math.log2(room)]!.pop();
    firsts[work] = used ?? end;
    if (used !== undefined) return;
    end += room;
    if (end <= values.length) return;
    speakers = grown(speakers, end);
    values = grown(values, end);
    positions = grown(positions, end);
  };
  const add = (target: number, index: number): void => {
    const slot = firsts[target]! + index;
    const list = (spoken[speakers[slot]!] ??= { targets: new Int32Array(4), values: new Float64Array(4), size: 0 });
    if (list.size === list.targets.length) {
      list.targets = grown(list.targets, list.size * 2);
      list.values = grown(list.values, list.size * 2);
    }
    positions[slot] = list.size;
    list.targets[list.size] = (target << indexBits) | index;
    list.values[list.size++] = values[slot]!;
  };
  const remove = (target: number, index: number): void => {
    const slot = firsts[target]! + index;
    const list = spoken[speakers[slot]!]!;
    const last = --list.size;
    const position = positions[slot]!;
    const moved = list.targets[last]!;
    positions[firsts[moved >>> indexBits]! + (moved & (mostNeighbours - 1))] = position;
    list.targets[position] = moved;
    list.values[position] = list.values[last]!;
  };

  return {
    put: (work: number, solved: SolvedWork): void => {
      for (let index = 0; index < (sizes[work] ?? 0); index++) remove(work, index);
      const size = solved.neighbours.length;
      makeRoom(work, size);
      const first = firsts[work]!;
      speakers.set(solved.neighbours, first);
      values.set(solved.weights, first);
      for (let index = 0; index < size; index++) add(work, index);
      sizes[work] = size;
    },
    addTo: (scores: Scores, speaker: number, factor: number): void => {
      const list = spoken[speaker];
      if (list === undefined) return;
      const { targets, values, size } = list;
      for (let at = 0; at < size; at++) scores.add(targets[at]! >>> indexBits, factor * values[at]!);
    },
    /** The works that suggest this one. Valid until the next change. */
    of: (target: number): SolvedWork => {
      const first = firsts[target] ?? 0;
      const end = first + (sizes[target] ?? 0);
      return { neighbours: speakers.subarray(first, end), weights: values.subarray(first, end) };
    },
  };
}
