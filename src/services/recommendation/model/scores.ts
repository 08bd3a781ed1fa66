/** A score for each work. The cost depends only on the works that something was added to. */
export type Scores = {
  /** Makes room for so many works. Call it before adding. */
  readonly makeRoom: (works: number) => void;
  readonly add: (work: number, score: number) => void;
  /** 0 for a work that nothing was added to. */
  readonly of: (work: number) => number;
  readonly has: (work: number) => boolean;
  /** The works that something was added to, each once. Valid until the next `add`. */
  readonly works: () => Int32Array;
  /** Sets all scores to 0. */
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

/** Keeps the works with the greatest scores among those offered. Ties are decided by `comesFirst`. */
export type Strongest = {
  readonly clear: () => void;
  readonly offer: (work: number, score: number) => void;
  /** In no particular order. */
  readonly works: () => Int32Array;
};

/**
 * A heap whose root is the weakest work in it.
 * @param comesFirst decides between works with equal scores.
 */
export function createStrongest(most: number, comesFirst: (one: number, other: number) => boolean): Strongest {
  const works = new Int32Array(most);
  const scores = new Float64Array(most);
  let size = 0;
  const isWeaker = (work: number, score: number, place: number): boolean =>
    score < scores[place]! || (score === scores[place]! && comesFirst(works[place]!, work));
  const put = (place: number, work: number, score: number): void => {
    works[place] = work;
    scores[place] = score;
  };
  const rise = (work: number, score: number): void => {
    let place = size++;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isWeaker(work, score, parent)) break;
      put(place, works[parent]!, scores[parent]!);
      place = parent;
    }
    put(place, work, score);
  };
  const sink = (work: number, score: number): void => {
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= size) break;
      if (child + 1 < size && isWeaker(works[child + 1]!, scores[child + 1]!, child)) child++;
      if (isWeaker(work, score, child)) break;
      put(place, works[child]!, scores[child]!);
      place = child;
    }
    put(place, work, score);
  };
  return {
    clear: () => {
      size = 0;
    },
    offer: (work, score) => {
      if (size < most) rise(work, score);
      else if (!isWeaker(work, score, 0)) sink(work, score);
    },
    works: () => works.slice(0, size),
  };
}
