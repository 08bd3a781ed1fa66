/** Counts the typing errors between one word and many others. */
export type EditDistance = {
  /** Sets the word to compare with: at most 32 letters. */
  readonly setWord: (word: string) => void;
  /** To the word in `letters` from `from` to `to`. Not exact above `most`, but then also above `most`. */
  readonly toWord: (letters: Uint16Array, from: number, to: number, most: number) => number;
  /** The least distance to any beginning of that word. */
  readonly toBeginning: (letters: Uint16Array, from: number, to: number) => number;
};

/**
 * Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours are each one error.
 * Bit-parallel (H. Hyyrö, A Bit-Vector Algorithm for Computing Levenshtein and Damerau Edit Distances, 2003): one bit
 * for each letter of the word holds whether the next row of the table of distances is one more, or one less.
 */
export function createEditDistance(): EditDistance {
  /** For each letter, the places in the word where it stands. */
  const placesOf = new Int32Array(2 ** 16);
  let word = '';
  let last = 0;
  let more = 0;
  let less = 0;
  let before = 0;
  let alike = 0;

  const begin = (): number => {
    more = -1;
    less = 0;
    before = 0;
    alike = 0;
    return word.length;
  };
  /** Adds a letter of the other word. @returns by how much the distance changes. */
  const step = (letter: number): number => {
    const places = placesOf[letter]!;
    const swapped = ((~alike & places) << 1) & before;
    alike = (((places & more) + more) ^ more) | places | less | swapped;
    const right = less | ~(alike | more);
    const left = more & alike;
    const nextRight = (right << 1) | 1;
    more = (left << 1) | ~(alike | nextRight);
    less = nextRight & alike;
    before = places;
    if ((right & last) !== 0) return 1;
    return (left & last) === 0 ? 0 : -1;
  };

  return {
    setWord: (next) => {
      for (let at = 0; at < word.length; at++) placesOf[word.charCodeAt(at)] = 0;
      word = next;
      for (let at = 0; at < word.length; at++) placesOf[word.charCodeAt(at)]! |= 1 << at;
      last = 1 << (word.length - 1);
    },
    toWord: (letters, from, to, most) => {
      let distance = begin();
      for (let at = from; at < to; at++) {
        distance += step(letters[at]!);
        if (distance - (to - at - 1) > most) return distance;
      }
      return distance;
    },
    toBeginning: (letters, from, to) => {
      let distance = begin();
      let least = distance;
      for (let at = from; at < to; at++) {
        distance += step(letters[at]!);
        if (distance < least) least = distance;
      }
      return least;
    },
  };
}

const between = createEditDistance();

/** How many typing errors are between two words, the first one of at most 32 letters. */
export function editDistance(one: string, other: string): number {
  between.setWord(one);
  const letters = Uint16Array.from({ length: other.length }, (_, at) => other.charCodeAt(at));
  return between.toWord(letters, 0, letters.length, Infinity);
}
