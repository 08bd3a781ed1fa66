import type { Scores } from './scores.ts';
import type { SolvedWork } from './solve-weights.ts';

/**
 * The weights of all works, found from either side: by the work they speak for, and by the work that speaks. A work is
 * replaced in one step, and in time that does not depend on how many works there are.
 */
export type Weights = {
  readonly put: (work: number, solved: SolvedWork) => void;
  /** Adds what a work says for others, times a factor. */
  readonly addTo: (scores: Scores, speaker: number, factor: number) => void;
  /** What speaks for a work, until the next change. */
  readonly of: (target: number) => SolvedWork;
};

/** What one work says for others, in no particular order: the place of a weight, and the weight once more. */
type Spoken = { places: Int32Array; values: Float64Array; size: number };

/** @param most neighbours of a work. Weight k of work j has the place j · most + k. */
export function createWeights(most: number): Weights {
  /** By place: who speaks, how much, and where that stands in what the speaker says. */
  let speakers = new Int32Array(most);
  let values = new Float64Array(most);
  let positions = new Int32Array(most);
  let sizes = new Uint8Array(1);
  const spoken: (Spoken | undefined)[] = [];

  const makeRoom = (work: number): void => {
    if (work < sizes.length) return;
    const works = Math.max(work + 1, Math.ceil(sizes.length * 1.5));
    speakers = copied(speakers, new Int32Array(works * most));
    values = copied(values, new Float64Array(works * most));
    positions = copied(positions, new Int32Array(works * most));
    sizes = copied(sizes, new Uint8Array(works));
  };
  const add = (place: number): void => {
    const list = (spoken[speakers[place]!] ??= { places: new Int32Array(4), values: new Float64Array(4), size: 0 });
    if (list.size === list.places.length) {
      list.places = copied(list.places, new Int32Array(list.size * 2));
      list.values = copied(list.values, new Float64Array(list.size * 2));
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

function copied<Numbers extends Int32Array | Float64Array | Uint8Array>(from: Numbers, to: Numbers): Numbers {
  to.set(from);
  return to;
}
