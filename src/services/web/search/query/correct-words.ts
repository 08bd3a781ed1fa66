import { digitsOf, functionWords, longFormOf, otherForms, type numberIn } from '../../../../text/english-words.ts';
import { isUnspaced } from '../../../../text/words.ts';
import { editDistance } from './edit-distance.ts';
import type { Vocabulary } from './vocabulary.ts';
import { longestWord } from '../index/word-data.ts';
import type { Alternative, Slot } from '../index/slots.ts';
import { type QueryWord, slotAsTyped, type Reading } from './parse-query.ts';
import { createSplitter, letters, spaceEdits } from './split-words.ts';

/** How many words of a longer query are corrected one at a time. */
const correctedOneByOne = 6;
/** In queries of more words only unknown ones are corrected or joined. */
const longQuery = 12;
/** How many pairs of words are tried as one word. */
const joinedAtMost = 6;
/** Two words are joined and corrected only if they have this many letters together. */
const leastJoined = 7;
/** Shorter words before the last one are not read as unfinished. */
const leastUnfinished = 3;
/** In queries of more words no guesses are made, and words that other readings have found are not doubted. */
const guessedAtMost = 4;
/** A known word of as many letters may be misspelt if another word of the query is. */
const oftenMistaken = 5;
/**
 * How many typing errors are corrected in a word: none in numbers, in very short and very long words, and in scripts
 * whose words the index cuts.
 * @param more one error in three letters, and two from six letters on.
 */
export function editsAllowed(word: string, more: boolean): number {
  if (!letters.test(word) || isUnspaced(word) || word.length < 3 || word.length > longestWord) return 0;
  if (word.length < 4) return more ? 1 : 0;
  if (word.length < 6) return 1;
  return word.length < 8 && !more ? 1 : 2;
}

/** As `editsAllowed`, for a guess: names are written as they sound, as “twane” and “solshenizyn”. 0: no guess. */
function editsGuessed(word: string): number {
  if (editsAllowed(word, true) === 0 || word.length < 5) return 0;
  return word.length < 9 ? 2 : 3;
}

/** Those of the words that are at most so many typing errors away. */
function wordsNear(edits: number, typed: string, words: Iterable<string>): readonly Alternative[] {
  const near: Alternative[] = [];
  for (const word of words) {
    if (Math.abs(word.length - typed.length) > edits) continue;
    const errors = editDistance(typed, word);
    if (errors > 0 && errors <= edits) near.push({ words: [{ word, prefix: false }], edits: errors });
  }
  return near;
}

/** What the readings so far have found. */
type FoundSoFar = {
  readonly hasAny: () => boolean;
  /** So many books that only a likelier reading is worth trying. */
  readonly hasEnough: () => boolean;
  /** Whether a reading was surely meant. */
  readonly hasTitle: () => boolean;
};

export type Corrector = ReturnType<typeof createCorrector>;

/** Finds other ways to read words, with the help of a vocabulary. */
export function createCorrector(vocabulary: Vocabulary) {
  const { has: isKnown } = vocabulary;

  const corrections = ({ word, prefix }: QueryWord, more: boolean): readonly Alternative[] => {
    const edits = editsAllowed(word, more);
    if (edits === 0) return [];
    const near = vocabulary.corrections(word, edits);
    return prefix ? [...near, ...vocabulary.unfinished(word, edits)] : near;
  };

  const { parted, partedWithTypo, partedIntoMany } = createSplitter(vocabulary, (part) => corrections(part, false));

  const slot = (word: QueryWord, alternatives: readonly Alternative[]): Slot => ({
    typed: word.word,
    only: word.only,
    alternatives,
  });

  const singularOrPlural = ({ word }: QueryWord): readonly Alternative[] =>
    otherForms(word)
      .filter((other) => isKnown(other, false))
      .map((other) => ({ words: [{ word: other, prefix: false }], edits: spaceEdits }));

  const otherWays = (word: QueryWord): readonly Alternative[] => [
    ...singularOrPlural(word),
    ...corrections(word, true),
    ...parted(word),
  ];

  /** Two typing errors rarely make another word. */
  const otherWaysOfKnown = (word: QueryWord): readonly Alternative[] =>
    otherWays(word).filter(({ edits }) => edits <= 1);

  /** The word as typed if it is known, else its corrections. */
  const known = (word: QueryWord): Slot => {
    if (isKnown(word.word, word.prefix)) return slotAsTyped(word);
    const others = otherWays(word);
    return others.length > 0 ? slot(word, others) : slotAsTyped(word);
  };

  /** As `known`, and also the singular or plural: “whale” for “whales”. */
  const knownOrPlural = (word: QueryWord): Slot => {
    const as = known(word);
    return as.alternatives[0]!.edits > 0 ? as : slot(word, [...as.alternatives, ...singularOrPlural(word)]);
  };

  /** Two neighbours read as one word: “sun set”. The words are in the order typed, with all repetitions. */
  const joined = (words: readonly QueryWord[], readOther: ReadWord = known): readonly Reading[] => {
    const readings: Reading[] = [];
    for (let at = 0; at + 1 < words.length; at++) {
      const first = words[at]!;
      const second = words[at + 1]!;
      const word = first.word + second.word;
      if (first.only !== second.only || !isKnown(word, second.prefix)) continue;
      const areWords = words.length > longQuery && isKnown(first.word, false) && isKnown(second.word, second.prefix);
      if (areWords) continue;
      const alternative = { words: [{ word, prefix: second.prefix }], edits: spaceEdits };
      const both: Slot = { ...slot(first, [alternative]), typed: `${first.word} ${second.word}` };
      const others = (some: readonly QueryWord[]): readonly Slot[] => withoutRepeats(some).map(readOther);
      if (readings.length >= joinedAtMost) break;
      readings.push(reading([...others(words.slice(0, at)), both, ...others(words.slice(at + 2))]));
    }
    return readings;
  };

  /** For each known word: that word corrected, the others as they are. */
  const oneByOne = (words: readonly QueryWord[], slots: readonly Slot[]): readonly Reading[] =>
    words
      .map((word, at) => ({ word, at }))
      .filter(({ word, at }) => slots[at]!.alternatives[0]!.edits === 0 && !functionWords.has(word.word))
      .slice(0, correctedOneByOne)
      .flatMap(({ word, at }) => {
        const others = otherWaysOfKnown(word);
        return others.length === 0 ? [] : [reading(slots.with(at, slot(word, others)))];
      });

  /** The word as typed, and its corrections. */
  const inAnyWay: ReadWord = (word) => {
    if (functionWords.has(word.word)) return slotAsTyped(word);
    if (!isKnown(word.word, word.prefix)) return known(word);
    return slot(word, [...slotAsTyped(word).alternatives, ...otherWaysOfKnown(word)]);
  };

  /** A known word that is short: one typing error often makes such a word of another. */
  const isDoubtful = ({ word }: QueryWord): boolean => word.length <= oftenMistaken && isKnown(word, false);

  /** “kivng lar”: beside a misspelt word, a doubtful one may be misspelt, too. */
  const besideMisspelt: ReadWord = (word) => (isDoubtful(word) ? inAnyWay(word) : known(word));

  /** “catch her in the rye”: two neighbours read as one word that has a typing error. */
  const joinedWithTypo = (words: readonly QueryWord[]): readonly Reading[] =>
    words.slice(0, -1).flatMap((first, at) => {
      const second = words[at + 1]!;
      const typed = `${first.word}${second.word}`;
      const isLikely = typed.length >= leastJoined && first.only === second.only && !isKnown(typed, second.prefix);
      const near = isLikely ? vocabulary.corrections(typed, 1) : [];
      const others = words.filter((word) => word !== first && word !== second).map(known);
      if (near.length === 0 || at >= joinedAtMost) return [];
      const alternatives = near.map(({ words, edits }) => ({ words, edits: edits + spaceEdits }));
      const both = { ...slot(first, alternatives), typed: `${first.word} ${second.word}` };
      return [reading(others.toSpliced(at, 0, both))];
    });

  /**
   * One word with more typing errors than usual: “louis carroll”. Right only if the result is all of a name or a title.
   * @param wordsBeside all words of the most popular books that match the slots.
   */
  const guesses = (
    words: readonly QueryWord[],
    wordsBeside: (others: readonly Slot[]) => Iterable<string>,
  ): readonly Reading[] => {
    if (words.length > guessedAtMost) return [];
    const slots = words.map(known);
    return words.flatMap((word, at) => {
      const edits = editsGuessed(word.word);
      if (edits === 0 || functionWords.has(word.word)) return [];
      const near =
        words.length === 1
          ? vocabulary.corrections(word.word, edits)
          : wordsNear(edits, word.word, wordsBeside(slots.toSpliced(at, 1)));
      return near.length === 0 ? [] : [reading(slots.with(at, slot(word, near)))];
    });
  };

  /** “dicke hard times”: a word before the last one may be unfinished, too. */
  const perhapsUnfinished: ReadWord = (word) => {
    if (word.prefix || word.word.length < leastUnfinished || functionWords.has(word.word)) return slotAsTyped(word);
    return slot(word, [{ words: [{ word: word.word, prefix: true }], edits: spaceEdits }]);
  };

  const withPartsCorrected = (words: readonly QueryWord[]): Reading => {
    const isAlone = words.length === 1;
    return reading(
      words.map((word) => {
        const others = isKnown(word.word, word.prefix)
          ? []
          : [...partedIntoMany(word), ...partedWithTypo(word, isAlone)];
        return others.length > 0 ? slot(word, others) : known(word);
      }),
    );
  };

  /** Corrections of an unfinished word that no book has; `null` when there are none. */
  const ifNoBookHasIt = (word: QueryWord): Slot | null => {
    const edits = editsAllowed(word.word, false);
    if (!word.prefix || word.word.length < 4 || edits === 0 || isKnown(word.word, false)) return null;
    const near = corrections({ ...word, prefix: false }, false);
    return near.length === 0 ? null : slot(word, near);
  };

  return {
    knownOrPlural,
    ifNoBookHasIt,
    joined,
    guesses,
    /** All words as typed or corrected. */
    inAnyWay: (words: readonly QueryWord[]): Reading => reading(words.map(inAnyWay)),
    /**
     * The likeliest readings first, as long as the books found so far leave a doubt. Known words are not corrected if
     * the title of a book has them together with corrections of the unknown ones. All words are corrected at once only
     * if no book has been found before, or none surely.
     */
    readings: function* (words: readonly QueryWord[], { hasAny, hasEnough, hasTitle }: FoundSoFar): Generator<Reading> {
      const slots = words.map(known);
      const isMisspelt = slots.some(({ alternatives }) => alternatives[0]!.edits > 0);
      if (isMisspelt) yield reading(slots);
      if (words.length > longQuery || hasTitle()) return;
      if (isMisspelt && words.some(isDoubtful)) yield reading(words.map(besideMisspelt));
      if (hasEnough()) return;
      yield* oneByOne(words, slots);
      if (!hasAny() && words.length > 1) yield reading(words.map(perhapsUnfinished));
      if (!hasAny() || (words.length <= guessedAtMost && !hasTitle())) yield reading(words.map(inAnyWay));
      if (!hasAny()) yield* joined(words, inAnyWay);
      if (!hasAny()) yield withPartsCorrected(words);
      if (!hasAny()) yield* joinedWithTypo(words);
    },
  };
}

function withoutRepeats(words: readonly QueryWord[]): readonly QueryWord[] {
  return words.filter(({ word }, at) => words.findIndex((other) => other.word === word) === at);
}

/** Adds other ways to write a word: “three” is also #3, as series are counted, and “ww2” World War 2. */
export function inOtherForms(slot: Slot): Slot {
  const digits = digitsOf(slot.typed);
  const long = longFormOf(slot.typed);
  if (digits === null && long === null) return slot;
  const other = digits === null ? inFull(long!) : inDigits(digits);
  return { ...slot, alternatives: [...slot.alternatives, other] };
}

/** “nineteen eighty four”: 1984 and 19 84. */
export function inNumbers({ digits, groups }: NonNullable<ReturnType<typeof numberIn>>): readonly Alternative[] {
  return groups.length > 1 ? [inDigits(digits), inFull(groups)] : [inDigits(digits)];
}

export function inFull(words: readonly string[]): Alternative {
  return { words: words.map((word) => ({ word, prefix: false })), edits: spaceEdits };
}

export function inDigits(digits: string): Alternative {
  return { words: [{ word: digits, prefix: false }], edits: spaceEdits };
}

type ReadWord = (word: QueryWord) => Slot;

export function reading(slots: readonly Slot[], phrase: string | null = null): Reading {
  return { slots, phrase, initials: null };
}
