/** Every word of the index, with how many books have it and how popular the most popular of them is. */
export type Vocabulary = {
  /** The distinct words of one book, and log₂(1 + its popularity). */
  readonly add: (words: readonly string[], popularityPoints: number) => void;
  readonly size: () => number;
  /** All words so far, in no order; from then on, `newEntries` starts again. */
  readonly entries: () => Iterable<VocabularyEntry>;
  /** Words first met since `entries` was last called, without those given before; all of them with `again`. */
  readonly newEntries: (again?: boolean) => readonly VocabularyEntry[];
};

export type VocabularyEntry = { readonly word: string; readonly books: number; readonly popularityPoints: number };

/** Longer words are not worth correcting. */
export const longestWord = 32;
/** A word's number: how often it was met, and in the last seven bits the popularity in quarters of a doubling. */
const steps = 128;
const stepsPerPoint = 4;
/** Of more, `newEntries` does not tell. */
export const mostNewWords = 500;

export function createVocabulary(): Vocabulary {
  const numbers = new Map<string, number>();
  let newWords: string[] = [];
  let given = 0;
  const entry = (word: string): VocabularyEntry => {
    const number = numbers.get(word)!;
    return { word, books: Math.floor(number / steps), popularityPoints: (number % steps) / stepsPerPoint };
  };
  return {
    add: (words, popularityPoints) => {
      const popularity = Math.min(steps - 1, Math.round(popularityPoints * stepsPerPoint));
      for (const word of words) {
        if (word.length > longestWord) continue;
        const known = numbers.get(word);
        if (known === undefined && newWords.length < mostNewWords) newWords.push(word);
        const number = known ?? 0;
        const best = Math.max(popularity, number % steps);
        numbers.set(word, number - (number % steps) + steps + best);
      }
    },
    size: () => numbers.size,
    entries: () => {
      newWords = [];
      given = 0;
      return numbers.keys().map(entry);
    },
    newEntries: (again = false) => {
      const entries = newWords.slice(again ? 0 : given).map(entry);
      given = newWords.length;
      return entries;
    },
  };
}
