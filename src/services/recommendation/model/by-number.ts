/** Data structures for things that are numbered from 0: works, books, authors. */

/** A score for each work. Only works that something was added to cost time and memory. */
export type Scores = {
  readonly add: (work: number, score: number) => void;
  /** 0 for a work that nothing was added to. */
  readonly of: (work: number) => number;
  readonly has: (work: number) => boolean;
  /** The works that something was added to, each once. Valid until the next `add`. */
  readonly works: () => Int32Array;
  /** Sets all scores to 0. */
  readonly clear: () => void;
};

/** A hash table: an array over all works would spread the scores over memory, which is much slower. */
export function createScores(): Scores {
  /** By slot; 0 is free, otherwise a work + 1. */
  let keys = new Int32Array(4_096);
  let scores = new Float64Array(keys.length);
  let known = new Int32Array(keys.length / 2);
  let size = 0;
  const slotOf = (work: number): number => {
    const last = keys.length - 1;
    let slot = (Math.imul(work + 1, 0x9e3779b1) >>> 7) & last;
    while (keys[slot] !== 0 && keys[slot] !== work + 1) slot = (slot + 1) & last;
    return slot;
  };
  const grow = (): void => {
    const old = Float64Array.from(known, (work) => scores[slotOf(work)]!);
    keys = new Int32Array(keys.length * 2);
    scores = new Float64Array(keys.length);
    for (const [at, work] of known.entries()) {
      const slot = slotOf(work);
      keys[slot] = work + 1;
      scores[slot] = old[at]!;
    }
    known = grown(known, keys.length / 2);
  };
  return {
    add: (work, score) => {
      let slot = slotOf(work);
      if (keys[slot] === 0) {
        if (size === known.length) {
          grow();
          slot = slotOf(work);
        }
        keys[slot] = work + 1;
        scores[slot] = 0;
        known[size++] = work;
      }
      scores[slot]! += score;
    },
    of: (work) => {
      const slot = slotOf(work);
      return keys[slot] === 0 ? 0 : scores[slot]!;
    },
    has: (work) => keys[slotOf(work)] !== 0,
    works: () => known.subarray(0, size),
    clear: () => {
      keys.fill(0);
      size = 0;
    },
  };
}

/** Keeps the works with the greatest scores among those offered. Ties are decided by `comesFirst`. */
export type Strongest = {
  /** @param limit keeps fewer works than there is room for, until the next call. */
  readonly clear: (limit?: number) => void;
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
  let kept = most;
  let size = 0;
  const isWeaker = (work: number, score: number, slot: number): boolean =>
    score < scores[slot]! || (score === scores[slot]! && comesFirst(works[slot]!, work));
  const put = (slot: number, work: number, score: number): void => {
    works[slot] = work;
    scores[slot] = score;
  };
  const rise = (work: number, score: number): void => {
    let slot = size++;
    while (slot > 0) {
      const parent = (slot - 1) >> 1;
      if (!isWeaker(work, score, parent)) break;
      put(slot, works[parent]!, scores[parent]!);
      slot = parent;
    }
    put(slot, work, score);
  };
  const sink = (work: number, score: number): void => {
    let slot = 0;
    for (;;) {
      let child = 2 * slot + 1;
      if (child >= size) break;
      if (child + 1 < size && isWeaker(works[child + 1]!, scores[child + 1]!, child)) child++;
      if (isWeaker(work, score, child)) break;
      put(slot, works[child]!, scores[child]!);
      slot = child;
    }
    put(slot, work, score);
  };
  return {
    clear: (limit = most) => {
      kept = limit;
      size = 0;
    },
    offer: (work, score) => {
      if (size < kept) rise(work, score);
      else if (!isWeaker(work, score, 0)) sink(work, score);
    },
    works: () => works.slice(0, size),
  };
}

/** A set of numbers. The time to empty it depends only on how many are in it. */
export type Marks = {
  readonly add: (number: number) => void;
  readonly has: (number: number) => boolean;
  readonly clear: () => void;
};

export function createMarks(): Marks {
  let isMarked = new Uint8Array(1_024);
  const marked: number[] = [];
  return {
    add: (number) => {
      if (number >= isMarked.length) isMarked = grown(isMarked, number + 1);
      if (isMarked[number] === 1) return;
      isMarked[number] = 1;
      marked.push(number);
    },
    has: (number) => isMarked[number] === 1,
    clear: () => {
      for (const number of marked) isMarked[number] = 0;
      marked.length = 0;
    },
  };
}

/** Short lists of whole numbers, one for each number, in one array. */
export type Lists = {
  readonly put: (number: number, list: readonly number[]) => void;
  /** Whether the test passes for a value in the list of a number. */
  readonly some: (number: number, test: (value: number) => boolean) => boolean;
  readonly each: (number: number, visit: (value: number) => void) => void;
};

export function createLists(): Lists {
  /** By number: where its list starts, and how long it is. */
  let spans = new Int32Array(1_024);
  let values = new Int32Array(1_024);
  /** Values behind `end` are free; of those before it, `left` belong to lists that were replaced. */
  let [end, left] = [0, 0];

  const endOf = (number: number): number => spans[2 * number]! + (spans[2 * number + 1] ?? 0);
  /** Moves all lists to the start of a new array. */
  const compact = (more: number): void => {
    const old = values;
    values = new Int32Array(Math.ceil((end - left + more) * 1.5));
    [end, left] = [0, 0];
    for (let at = 0; at + 1 < spans.length; at += 2) {
      const from = spans[at]!;
      values.set(old.subarray(from, from + spans[at + 1]!), end);
      spans[at] = end;
      end += spans[at + 1]!;
    }
  };
  return {
    put: (number, list) => {
      const at = 2 * number;
      if (at + 1 >= spans.length) spans = grown(spans, at + 2);
      left += spans[at + 1]!;
      spans[at + 1] = 0;
      if (end + list.length > values.length) compact(list.length);
      values.set(list, end);
      spans[at] = end;
      spans[at + 1] = list.length;
      end += list.length;
    },
    some: (number, test) => {
      const until = endOf(number);
      for (let at = spans[2 * number]!; at < until; at++) if (test(values[at]!)) return true;
      return false;
    },
    each: (number, visit) => {
      const until = endOf(number);
      for (let at = spans[2 * number]!; at < until; at++) visit(values[at]!);
    },
  };
}

type Numbers = Int32Array | Float64Array | Uint8Array;

/** A copy with room for at least `length` numbers, and for at least half more than before. */
export function grown<Kind extends Numbers>(numbers: Kind, length: number): Kind {
  const larger = new (numbers.constructor as new (length: number) => Kind)(
    Math.max(length, Math.ceil(numbers.length * 1.5)),
  );
  larger.set(numbers);
  return larger;
}
