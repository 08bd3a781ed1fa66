import { digitsOf, functionWords, isUnspaced, longFormOf, type numberIn } from '../../../../text/words.ts';
import type { Vocabulary } from './vocabulary.ts';
import { longestWord } from '../index/word-data.ts';
import type { Alternative, Slot } from '../index/slots.ts';
import { type QueryWord, slotAsTyped, type Reading } from './parse-query.ts';

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
/** In queries of more words no guesses are made. */
const guessedAtMost = 4;
/** “harrypoter”: what each of the two parts must look like. */
const isPart = /^(?:\p{L}{4,}|\d+)$/u;
/** A shorter part is enough if the query has other words: “davinchi code”. */
const isPartAmongWords = /^(?:\p{L}{2,}|\d+)$/u;
const misspeltAmongWords = 5;
/** Of two parts, one may be a short word that is rarely misspelt. */
const isFunctionPart = (part: string): boolean => part.length >= 2 && functionWords.has(part);
/** How many corrections of the misspelt part are tried. */
const likeliestParts = 6;

/** How many letters a title typed as one word may have, how many letters each part, and how many parts. */
const runTogether = { least: 8, most: 60 } as const;
const longestPart = 16;
const mostParts = 10;
/** A part that at most this many books have may be misspelt, although it is a word. */
const doubtfulBooks = 5;
/**
 * For a title typed as one word: how many of its parts are tried as misspelt, one at a time, and how many corrections
 * of each.
 */
const misspeltParts = { tried: 16, ways: 3, least: 4, letterCost: 3 } as const;
/** The cost of a word that is in one book. A word in twice as many books costs 1 less. */
const rarest = 24;

const letters = /^\p{L}[\p{L}\p{M}]*$/u;

/**
 * How many typing errors are corrected in a word: none in numbers, in very short and very long words, and in scripts
 * whose words the index cuts.
 */
export function editsAllowed(word: string, more: boolean): number {
  if (!letters.test(word) || isUnspaced(word) || word.length < 3 || word.length > longestWord) return 0;
  if (word.length < 4) return more ? 1 : 0;
  if (word.length < 6) return 1;
  return word.length < 8 && !more ? 1 : 2;
}

/** As `editsAllowed`, for a guess: names are written as they sound, as “twane” and “solshenizyn”. 0: no guess. */
function editsGuessed(word: string): number {
  if (editsAllowed(word, true) === 0) return 0;
  return word.length === 5 ? 2 : word.length >= 9 ? 3 : 0;
}

export type Corrector = ReturnType<typeof createCorrector>;

/** Finds other ways to read words, with the help of a vocabulary. */
export function createCorrector(vocabulary: Vocabulary) {
  const { has: isKnown } = vocabulary;

  const corrections = ({ word, prefix }: QueryWord, more: boolean): readonly Alternative[] => {
    const edits = editsAllowed(word, more);
    if (edits === 0) return [];
    const found = [...vocabulary.corrections(word, edits), ...(prefix ? vocabulary.unfinished(word, edits) : [])];
    return found.map(({ word, prefix, edits, books }) => ({ words: [{ word, prefix }], edits, books }));
  };

  /** “112263” for 11/22/63, “911” for 9/11. */
  const partedNumber = (word: string): readonly Alternative[] => {
    const parts = /^(?:(\d)(\d\d)|(\d\d)(\d\d)(\d\d))$/
      .exec(word)
      ?.slice(1)
      .filter((part) => part !== undefined);
    if (parts === undefined || !parts.every((part) => isKnown(part, false))) return [];
    return [{ words: parts.map((part) => ({ word: part, prefix: false })), edits: spaceEdits, books: 0 }];
  };

  /** “harrypotter”: each way to split a word into two known ones. */
  const parted = ({ word, prefix }: QueryWord): readonly Alternative[] => {
    const ways: Alternative[] = [];
    if (/^\d+$/.test(word)) return partedNumber(word);
    const parts = Array.from(word);
    for (let at = 1; at < parts.length; at++) {
      const first = parts.slice(0, at).join('');
      const second = parts.slice(at).join('');
      if (first.length < 2 && !/^[ai\d]$/.test(first)) continue;
      const isNumber = /\d$/.test(first) !== /^\d/.test(second);
      if (!isNumber && second.length < 2) continue;
      if (!isKnown(first, false) || !isKnown(second, prefix)) continue;
      ways.push({
        words: [
          { word: first, prefix: false },
          { word: second, prefix },
        ],
        edits: spaceEdits,
        books: 0,
      });
    }
    return ways;
  };

  /** “harrypoter”: split so that one part is known and the other has one typing error; “theshackk”. */
  const partedWithTypo = ({ word, prefix }: QueryWord, isAlone: boolean): readonly Alternative[] => {
    const isLongEnough = isAlone ? isPart : isPartAmongWords;
    const ways: Alternative[] = [];
    for (let at = 1; at < word.length; at++) {
      const [first, second] = [word.slice(0, at), word.slice(at)];
      const isBehind = isFunctionPart(first) && isPart.test(second);
      const isAhead = isFunctionPart(second) && isPart.test(first);
      if (!isBehind && !isAhead && !(isLongEnough.test(first) && isLongEnough.test(second))) continue;
      const books = [vocabulary.books(first, false), vocabulary.books(second, prefix)] as const;
      const isSure = isBehind || isAhead;
      if ((!isSure && Math.min(...books) > doubtfulBooks) || Math.max(...books) === 0) continue;
      const isSecond = isSure ? isBehind : books[0] >= books[1];
      const likely = isSecond ? { word: second, prefix } : { word: first, prefix: false };
      if (!isAlone && !isSure && letters.test(likely.word) && likely.word.length < misspeltAmongWords) continue;
      for (const { words, edits, books } of corrections({ ...likely, only: null }, false).slice(0, likeliestParts)) {
        const [corrected] = words;
        const parts = isSecond ? [{ word: first, prefix: false }, corrected!] : [corrected!, { word: second, prefix }];
        ways.push({ words: parts, edits: edits + spaceEdits, books });
      }
    }
    return ways;
  };

  /** The cost of a part of a word; infinite when it is not known. */
  const costOf = (part: string, isUnfinished: boolean): number => {
    if (part.length < 2 && !/[ai]/.test(part)) return Infinity;
    const known = vocabulary.books(part, false);
    const books = known > 0 || !isUnfinished || part.length < 4 ? known : Math.min(1, vocabulary.books(part, true));
    return books === 0 ? Infinity : rarest - Math.log2(books);
  };

  /** The likeliest way to split each beginning and each end of a word into known words. Common words are likely. */
  const splitsOf = ({ word, prefix }: QueryWord) => {
    const none: Split = { cost: Infinity, parts: [] };
    const until = Array.from({ length: word.length + 1 }, (_, end) => (end === 0 ? { cost: 0, parts: [] } : none));
    const from = until.toReversed();
    for (let end = 1; end <= word.length; end++) {
      for (let start = Math.max(0, end - longestPart); start < end; start++) {
        const part = word.slice(start, end);
        const cost = until[start]!.cost + costOf(part, prefix && end === word.length);
        if (cost < until[end]!.cost) until[end] = { cost, parts: [...until[start]!.parts, part] };
      }
    }
    for (let start = word.length - 1; start >= 0; start--) {
      for (let end = Math.min(word.length, start + longestPart); end > start; end--) {
        const part = word.slice(start, end);
        const cost = from[end]!.cost + costOf(part, prefix && end === word.length);
        if (cost < from[start]!.cost) from[start] = { cost, parts: [part, ...from[end]!.parts] };
      }
    }
    return { until, from };
  };

  /** “lordoftherings”: split into three or more known words. “tokillamokingbird”: all but one of them known. */
  const partedIntoMany = (typed: QueryWord): readonly Alternative[] => {
    const { word, prefix } = typed;
    if (word.length < runTogether.least || word.length > runTogether.most || !letters.test(word)) return [];
    const { until, from } = splitsOf(typed);
    const asWords = (parts: readonly string[], isLast: boolean) =>
      parts.map((part, at) => ({ word: part, prefix: prefix && isLast && at === parts.length - 1 }));
    const { parts } = until[word.length]!;
    const ways: Alternative[] = [];
    if (isMany(parts.length)) ways.push({ words: asWords(parts, true), edits: spaceEdits, books: 0 });
    const doubtful: { readonly start: number; readonly end: number; readonly cost: number }[] = [];
    for (let start = 0; start < word.length; start++) {
      for (let end = start + misspeltParts.least; end <= Math.min(word.length, start + longestPart); end++) {
        const cost = until[start]!.cost + from[end]!.cost + misspeltParts.letterCost * (end - start);
        if (cost === Infinity || !isMany(until[start]!.parts.length + 1 + from[end]!.parts.length)) continue;
        if (vocabulary.books(word.slice(start, end), false) <= doubtfulBooks) doubtful.push({ start, end, cost });
      }
    }
    doubtful.sort((a, b) => a.cost - b.cost);
    for (const { start, end } of doubtful.slice(0, misspeltParts.tried)) {
      const part = { word: word.slice(start, end), prefix: prefix && end === word.length, only: null };
      for (const { words, edits, books } of corrections(part, false).slice(0, misspeltParts.ways)) {
        const all = [...asWords(until[start]!.parts, false), ...words, ...asWords(from[end]!.parts, true)];
        ways.push({ words: all, edits: edits + spaceEdits, books });
      }
    }
    return ways;
  };

  const slot = (word: QueryWord, alternatives: readonly Alternative[]): Slot => ({
    typed: word.word,
    only: word.only,
    alternatives,
    books: alternatives.reduce((sum, { books }) => sum + books, 0),
  });

  const singularOrPlural = ({ word }: QueryWord): readonly Alternative[] =>
    otherForms(word)
      .filter((other) => isKnown(other, false))
      .map((other) => ({ words: [{ word: other, prefix: false }], edits: spaceEdits, books: 0 }));

  const otherWays = (word: QueryWord): readonly Alternative[] => [
    ...singularOrPlural(word),
    ...corrections(word, true),
    ...parted(word),
  ];

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
      const alternative = { words: [{ word, prefix: second.prefix }], edits: spaceEdits, books: 0 };
      const both: Slot = { ...slot(first, [alternative]), typed: `${first.word} ${second.word}` };
      const others = (some: readonly QueryWord[]): readonly Slot[] => withoutRepeats(some).map(readOther);
      if (readings.length >= joinedAtMost) break;
      readings.push(reading([...others(words.slice(0, at)), both, ...others(words.slice(at + 2))]));
    }
    return readings;
  };

  /** For each known word: that word corrected, the others as they are. */
  const oneByOne = (words: readonly QueryWord[]): readonly Reading[] => {
    const slots = words.map(known);
    return words
      .map((word, at) => ({ word, at }))
      .filter(({ word, at }) => slots[at]!.alternatives[0]!.edits === 0 && !functionWords.has(word.word))
      .slice(0, correctedOneByOne)
      .flatMap(({ word, at }) => {
        const others = otherWays(word);
        return others.length === 0 ? [] : [reading(slots.with(at, slot(word, others)))];
      });
  };

  /** The word as typed, and its corrections. Two typing errors rarely make another word. */
  const inAnyWay: ReadWord = (word) => {
    if (functionWords.has(word.word)) return slotAsTyped(word);
    if (!isKnown(word.word, word.prefix)) return known(word);
    const others = otherWays(word).filter(({ edits }) => edits <= 1);
    return slot(word, [...slotAsTyped(word).alternatives, ...others]);
  };

  /** “catch her in the rye”: two neighbours read as one word that has a typing error. */
  const joinedWithTypo = (words: readonly QueryWord[]): readonly Reading[] =>
    words.slice(0, -1).flatMap((first, at) => {
      const second = words[at + 1]!;
      const typed = `${first.word}${second.word}`;
      const isLikely = typed.length >= leastJoined && first.only === second.only && !isKnown(typed, second.prefix);
      const near = isLikely ? vocabulary.corrections(typed, 1) : [];
      const others = words.filter((word) => word !== first && word !== second).map(known);
      if (near.length === 0 || at >= joinedAtMost) return [];
      const alternatives = near.map(({ word, books }) => {
        return { words: [{ word, prefix: false }], edits: 1 + spaceEdits, books };
      });
      const both = { ...slot(first, alternatives), typed: `${first.word} ${second.word}` };
      return [reading(others.toSpliced(at, 0, both))];
    });

  /** Each word with one typing error more than usual. Right only if the result is all of a name or a title. */
  const guesses = (words: readonly QueryWord[]): readonly Reading[] => {
    const slots = words.map(known);
    return words.flatMap((word, at) => {
      const edits = editsGuessed(word.word);
      if (edits === 0 || functionWords.has(word.word)) return [];
      const near = vocabulary.corrections(word.word, edits).map(({ word, edits, books }) => {
        return { words: [{ word, prefix: false }], edits, books };
      });
      return near.length === 0 ? [] : [reading(slots.with(at, slot(word, near)))];
    });
  };

  /** “dicke hard times”: a word before the last one may be unfinished, too. */
  const perhapsUnfinished: ReadWord = (word) => {
    if (word.prefix || word.word.length < leastUnfinished || functionWords.has(word.word)) return slotAsTyped(word);
    return slot(word, [{ words: [{ word: word.word, prefix: true }], edits: spaceEdits, books: 0 }]);
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
  const unlessWhole = (word: QueryWord): Slot | null => {
    const edits = editsAllowed(word.word, false);
    if (!word.prefix || word.word.length < 4 || edits === 0 || isKnown(word.word, false)) return null;
    const near = corrections({ ...word, prefix: false }, false);
    return near.length === 0 ? null : slot(word, near);
  };

  return {
    knownOrPlural,
    unlessWhole,
    joined,
    guesses: (words: readonly QueryWord[]) => (words.length <= guessedAtMost ? guesses(words) : []),
    /**
     * Groups of readings, the likeliest first. All words are corrected at once only if no book has been found before.
     */
    readings: function* (words: readonly QueryWord[], hasAny: () => boolean): Generator<readonly Reading[]> {
      const slots = words.map(known);
      if (slots.some(({ alternatives }) => alternatives[0]!.edits > 0)) yield [reading(slots)];
      if (words.length > longQuery) return;
      yield oneByOne(words);
      if (!hasAny() && words.length > 1) yield [reading(words.map(perhapsUnfinished))];
      if (!hasAny()) yield [reading(words.map(inAnyWay))];
      if (!hasAny()) yield joined(words, inAnyWay);
      if (!hasAny()) yield [withPartsCorrected(words)];
      if (!hasAny()) yield joinedWithTypo(words);
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
  return { words: words.map((word) => ({ word, prefix: false })), edits: spaceEdits, books: 0 };
}

export function inDigits(digits: string): Alternative {
  return { words: [{ word: digits, prefix: false }], edits: spaceEdits, books: 0 };
}

const irregularForms = new Map(
  'man/men woman/women child/children mouse/mice foot/feet tooth/teeth goose/geese person/people ox/oxen'
    .split(' ')
    .map((pair) => pair.split('/') as [string, string])
    .flatMap(([one, many]) => [[one, many] as const, [many, one] as const]),
);

/** The singular of a plural and the plural of a singular, in English: “city” for “cities”, “cities” for “citys”. */
function otherForms(word: string): readonly string[] {
  const ending = (letters: number, other: string): string => word.slice(0, word.length - letters) + other;
  const irregular = irregularForms.get(word);
  if (irregular !== undefined) return [irregular];
  if (word.length < 4) return [];
  if (word.endsWith('ies')) return [ending(3, 'y'), ending(1, '')];
  if (word.endsWith('ys')) return [ending(1, ''), ending(2, 'ies')];
  if (word.endsWith('ves')) return [ending(3, 'f'), ending(3, 'fe'), ending(1, '')];
  if (word.endsWith('es')) return [ending(1, ''), ending(2, '')];
  if (word.endsWith('s')) return [ending(1, '')];
  return word.endsWith('y') ? [ending(1, 'ies'), `${word}s`] : [`${word}s`, `${word}es`];
}

type ReadWord = (word: QueryWord) => Slot;

type Split = { readonly cost: number; readonly parts: readonly string[] };

function isMany(parts: number): boolean {
  return parts >= 3 && parts <= mostParts;
}

export function reading(slots: readonly Slot[], phrase: string | null = null): Reading {
  return { slots, phrase, whole: null };
}

/** A missing or needless space, a plural, a number in digits, or an unfinished word counts as half a wrong letter. */
const spaceEdits = 0.5;
