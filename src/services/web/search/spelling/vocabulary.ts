/** Every word of the index, with how many books have it and how popular the most popular of them is. */
export type Vocabulary = {
  /** The distinct words of one book, and log₂(1 + its popularity). */
  readonly add: (words: readonly string[], popularityPoints: number) => void;
  readonly size: () => number;
  /** In no order. */
  readonly entries: () => Iterable<VocabularyEntry>;
};

export type VocabularyEntry = { readonly word: string; readonly books: number; readonly popularityPoints: number };

/** Longer words are not worth correcting. */
export const longestWord = 32;
/** A word's number: how often it was met, and in the last seven bits the popularity in quarters of a doubling. */
const steps = 128;
const stepsPerPoint = 4;

export function createVocabulary(): Vocabulary {
  const numbers = new Map<string, number>();
  return {
    add: (words, popularityPoints) => {
      const popularity = Math.min(steps - 1, Math.round(popularityPoints * stepsPerPoint));
      for (const word of words) {
        if (word.length > longestWord) continue;
        const number = numbers.get(word) ?? 0;
        const best = Math.max(popularity, number % steps);
        numbers.set(word, number - (number % steps) + steps + best);
      }
    },
    size: () => numbers.size,
    entries: function* () {
      for (const [word, number] of numbers) {
        yield { word, books: Math.floor(number / steps), popularityPoints: (number % steps) / stepsPerPoint };
      }
    },
  };
}
