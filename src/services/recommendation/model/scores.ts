/** A score for each work. Only works that something was added to cost time. */
export type Scores = {
  /** Makes room for so many works. Call it before adding. */
  readonly makeRoom: (works: number) => void;
  readonly add: (work: number, score: number) => void;
  /** 0 for a work that nothing was added to. */
  readonly of: (work: number) => number;
  readonly has: (work: number) => boolean;
  /** The works that something was added to, each once. Valid until the next `add`. */
  readonly works: () => Int32Array;
  /** Back to no scores. */
  readonly clear: () => void;
};

export function createScores(): Scores {
  let scores = new Float64Array(0);
  let isKnown = new Uint8Array(0);
  let known = new Int32Array(0);
  let size = 0;
  return {
    makeRoom: (works) => {
      if (works <= scores.length) return;
      scores = new Float64Array(works * 2);
      isKnown = new Uint8Array(works * 2);
      known = new Int32Array(works * 2);
    },
    add: (work, score) => {
      if (isKnown[work] === 0) {
        isKnown[work] = 1;
        known[size++] = work;
      }
      scores[work]! += score;
    },
    of: (work) => scores[work]!,
    has: (work) => isKnown[work] === 1,
    works: () => known.subarray(0, size),
    clear: () => {
      for (let at = 0; at < size; at++) scores[known[at]!] = isKnown[known[at]!] = 0;
      size = 0;
    },
  };
}
