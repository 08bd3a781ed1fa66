import type { CoCounts } from './co-counts.ts';
import { createStrongest, grown, type Scores } from './by-number.ts';

/** The works that suggest a work, and their weights: parallel lists. */
export type SolvedWork = { readonly neighbours: Int32Array; readonly weights: Float64Array };

export type Counts = {
  readonly pairs: CoCounts;
  /** How many readers have a work. */
  readonly readersOf: (work: number) => number;
  /** 1 / √`readersOf`; 0 without readers. */
  readonly inverseRootOf: (work: number) => number;
  /** Breaks ties between works, so that equal counts give equal weights in whatever order they arrived. */
  readonly orderOf: (work: number) => number;
};

/**
 * The weights of one work: a ridge regression of its readers on those of the `most` works with the largest
 * g_ij / √g_ii, solved by Cholesky's method: (G_NN + λI) w = g_Nj. The model is EASE (Steck, WWW 2019) restricted to a
 * neighbourhood for each work.
 */
export function createSolver(counts: Counts, most: number): (work: number, ridge: number) => SolvedWork {
  const matrix = new Float64Array(most * most);
  const chosen = createStrongest(most, (one, other) => counts.orderOf(one) < counts.orderOf(other));
  return (work, ridge) => {
    chosen.clear();
    counts.pairs.eachOf(work, 1, (other, readers) => {
      chosen.offer(other, readers * counts.inverseRootOf(other));
    });
    const neighbours = chosen.works();
    const size = neighbours.length;
    const weights = new Float64Array(size);
    for (let row = 0; row < size; row++) {
      const one = neighbours[row]!;
      weights[row] = counts.pairs.get(work, one);
      for (let column = 0; column < row; column++)
        matrix[row * size + column] = counts.pairs.get(one, neighbours[column]!);
      matrix[row * size + row] = counts.readersOf(one) + ridge;
    }
    solveInPlace(matrix, weights, size);
    return { neighbours, weights };
  };
}

/** Solves the symmetric positive definite system whose lower half is in `matrix`; `values` becomes the solution. */
function solveInPlace(matrix: Float64Array, values: Float64Array, size: number): void {
  for (let row = 0; row < size; row++) {
    const at = row * size;
    for (let column = 0; column <= row; column++) {
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

/**
 * The weights of all works, found from both sides: by the suggested work, and by the work that suggests it. A work is
 * replaced in one step, in time that does not depend on the number of works.
 */
export type Weights = {
  readonly put: (work: number, solved: SolvedWork) => void;
  /** Adds how much a work suggests each other one, times a factor. */
  readonly addTo: (scores: Scores, speaker: number, factor: number) => void;
  /** The works that suggest this one. Valid until the next change. */
  readonly of: (target: number) => SolvedWork;
};

/**
 * The weights by which one work suggests others, in no particular order: the place of each weight, and a copy of it.
 */
type Spoken = { places: Int32Array; values: Float64Array; size: number };

/** @param most neighbours of a work. Weight k of work j has the place j · most + k. */
export function createWeights(most: number): Weights {
  /** By place: the work that suggests, how much, and the index in that work's list. */
  let speakers = new Int32Array(most);
  let values = new Float64Array(most);
  let positions = new Int32Array(most);
  let sizes = new Uint8Array(1);
  const spoken: (Spoken | undefined)[] = [];

  const makeRoom = (work: number): void => {
    if (work < sizes.length) return;
    sizes = grown(sizes, work + 1);
    speakers = grown(speakers, sizes.length * most);
    values = grown(values, sizes.length * most);
    positions = grown(positions, sizes.length * most);
  };
  const add = (place: number): void => {
    const list = (spoken[speakers[place]!] ??= { places: new Int32Array(4), values: new Float64Array(4), size: 0 });
    if (list.size === list.places.length) {
      list.places = grown(list.places, list.size * 2);
      list.values = grown(list.values, list.size * 2);
    }
    positions[place] = list.size;
    list.places[list.size] = place;
    list.values[list.size++] = values[place]!;
  };
  const remove = (place: number): void => {
    const list = spoken[speakers[place]!]!;
    const last = --list.size;
    const position = positions[place]!;
    positions[list.places[last]!] = position;
    list.places[position] = list.places[last]!;
    list.values[position] = list.values[last]!;
  };

  return {
    put: (work, solved) => {
      makeRoom(work);
      const first = work * most;
      for (let place = first; place < first + sizes[work]!; place++) remove(place);
      const size = solved.neighbours.length;
      for (let k = 0; k < size; k++) {
        speakers[first + k] = solved.neighbours[k]!;
        values[first + k] = solved.weights[k]!;
        add(first + k);
      }
      sizes[work] = size;
    },
    addTo: (scores, speaker, factor) => {
      const list = spoken[speaker];
      if (list === undefined) return;
      const { places, values, size } = list;
      for (let at = 0; at < size; at++) scores.add(Math.floor(places[at]! / most), factor * values[at]!);
    },
    of: (target) => {
      const [first, end] = [target * most, target * most + (sizes[target] ?? 0)];
      return { neighbours: speakers.subarray(first, end), weights: values.subarray(first, end) };
    },
  };
}
