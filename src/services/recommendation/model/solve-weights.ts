import type { CoCounts } from './co-counts.ts';
import { createStrongest } from './strongest.ts';

/** What the books that a work is read together with say for it: parallel lists. */
export type SolvedWork = { readonly neighbours: Int32Array; readonly weights: Float64Array };

export type Counts = {
  readonly pairs: CoCounts;
  /** How many readers have a work. */
  readonly readersOf: (work: number) => number;
  /** 1 / √`readersOf`; 0 without readers. */
  readonly inverseRootOf: (work: number) => number;
  /** Breaks ties between works, so that equal counts give equal weights whatever order they came in. */
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
    counts.pairs.eachOf(work, (other, readers) => {
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
