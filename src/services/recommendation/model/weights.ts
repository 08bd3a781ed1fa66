import type { SolvedWork } from './solve-weights.ts';

/**
 * The weights of all works, found from either side: by the work they speak for, and by the work that speaks. A work is
 * replaced in one step, and in time that does not depend on how many works there are.
 */
export type Weights = {
  readonly put: (work: number, solved: SolvedWork) => void;
  readonly eachFor: (speaker: number, visit: (target: number, weight: number) => void) => void;
  readonly neighboursOf: (target: number) => readonly (readonly [work: number, weight: number])[];
};

/** The places of one speaker's weights, in no particular order. */
type Spoken = { places: Int32Array; size: number };

/** @param most neighbours of a work. Weight k of work j has the place j · most + k. */
export function createWeights(most: number): Weights {
  let speakers = new Int32Array(most);
  let values = new Float64Array(most);
  /** Where a place stands in its speaker's list. */
  let positions = new Int32Array(most);
  let sizes = new Uint8Array(1);
  const spoken: (Spoken | undefined)[] = [];

  const makeRoom = (work: number): void => {
    if (work < sizes.length) return;
    const works = Math.max(work + 1, sizes.length * 2);
    speakers = copied(speakers, new Int32Array(works * most));
    values = copied(values, new Float64Array(works * most));
    positions = copied(positions, new Int32Array(works * most));
    sizes = copied(sizes, new Uint8Array(works));
  };
  const add = (place: number): void => {
    const list = (spoken[speakers[place]!] ??= { places: new Int32Array(4), size: 0 });
    if (list.size === list.places.length) list.places = copied(list.places, new Int32Array(list.size * 2));
    positions[place] = list.size;
    list.places[list.size++] = place;
  };
  const remove = (place: number): void => {
    const list = spoken[speakers[place]!]!;
    const last = list.places[--list.size]!;
    list.places[positions[place]!] = last;
    positions[last] = positions[place]!;
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
    eachFor: (speaker, visit) => {
      const list = spoken[speaker];
      if (list === undefined) return;
      for (let at = 0; at < list.size; at++) {
        const place = list.places[at]!;
        visit(Math.floor(place / most), values[place]!);
      }
    },
    neighboursOf: (target) =>
      Array.from({ length: sizes[target] ?? 0 }, (_, k) => {
        const place = target * most + k;
        return [speakers[place]!, values[place]!] as const;
      }),
  };
}

function copied<Numbers extends Int32Array | Float64Array | Uint8Array>(from: Numbers, to: Numbers): Numbers {
  to.set(from);
  return to;
}
