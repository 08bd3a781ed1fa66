import { functionWords } from '../../../../text/english-words.ts';
import type { Alternative } from '../index/slots.ts';
import type { QueryWord } from './parse-query.ts';
import type { Vocabulary } from './vocabulary.ts';

/** A missing or needless space, a plural, a number in digits, or an unfinished word counts as half a wrong letter. */
export const spaceEdits = 0.5;

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

export const letters = /^\p{L}[\p{L}\p{M}]*$/u;

/**
 * Finds ways to read a word as several known words.
 * @param corrections of a part, likeliest first.
 */
export function createSplitter(vocabulary: Vocabulary, corrections: (part: QueryWord) => readonly Alternative[]) {
  const { has: isKnown } = vocabulary;

  /** “112263” for 11/22/63, “911” for 9/11. */
  const partedNumber = (word: string): readonly Alternative[] => {
    const parts = /^(?:(\d)(\d\d)|(\d\d)(\d\d)(\d\d))$/
      .exec(word)
      ?.slice(1)
      .filter((part) => part !== undefined);
    if (parts === undefined || !parts.every((part) => isKnown(part, false))) return [];
    return [{ words: parts.map((part) => ({ word: part, prefix: false })), edits: spaceEdits }];
  };

  /** “harrypotter”: each way to split a word into two known ones. */
  const parted = ({ word, prefix }: QueryWord): readonly Alternative[] => {
    const ways: Alternative[] = [];
    if (/^\d+$/.test(word)) return partedNumber(word);
    for (let at = 1; at < word.length; at++) {
      const first = word.slice(0, at);
      if ((at < 2 && !/^[ai\d]$/.test(first)) || !isKnown(first, false)) continue;
      const second = word.slice(at);
      const isNumber = /\d$/.test(first) !== /^\d/.test(second);
      if ((!isNumber && second.length < 2) || !isKnown(second, prefix)) continue;
      ways.push({
        words: [
          { word: first, prefix: false },
          { word: second, prefix },
        ],
        edits: spaceEdits,
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
      for (const { words, edits } of corrections({ ...likely, only: null }).slice(0, likeliestParts)) {
        const [corrected] = words;
        const parts = isSecond ? [{ word: first, prefix: false }, corrected!] : [corrected!, { word: second, prefix }];
        ways.push({ words: parts, edits: edits + spaceEdits });
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
    if (isMany(parts.length)) ways.push({ words: asWords(parts, true), edits: spaceEdits });
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
      for (const { words, edits } of corrections(part).slice(0, misspeltParts.ways)) {
        const all = [...asWords(until[start]!.parts, false), ...words, ...asWords(from[end]!.parts, true)];
        ways.push({ words: all, edits: edits + spaceEdits });
      }
    }
    return ways;
  };

  return { parted, partedWithTypo, partedIntoMany };
}

type Split = { readonly cost: number; readonly parts: readonly string[] };

function isMany(parts: number): boolean {
  return parts >= 3 && parts <= mostParts;
}
