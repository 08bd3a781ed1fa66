import { authorKey, splitAuthors } from '../../../../text/authors-and-isbn.ts';
import { digitsOf, functionWords, isArticle, numberIn, withoutArticle } from '../../../../text/english-words.ts';
import { countingKey } from '../../../../text/words.ts';
import { startMarkOf, wholeMark, wholeWordsAtMost } from '../index/book-row.ts';
import { anyBook, mostCounted, type IndexReader } from '../index/read-index.ts';
import type { Vocabulary } from './vocabulary.ts';
import {
  createCorrector,
  inDigits,
  inFull,
  inNumbers,
  inOtherForms,
  reading,
  type Corrector,
} from './correct-words.ts';
import { holdsAll, isAllOfTitle, isNamed, rankBooks, seriesName, slotsCheck, sureCheck } from './rank-books.ts';
import { keepMatchingWords } from './drop-words.ts';
import { slotsExpression, type Slot } from '../index/slots.ts';
import { type ParsedQuery, type QueryWord, readingAsTyped, slotAsTyped, type Reading } from './parse-query.ts';

/** What to search with. */
export type SearchPlan = {
  /** The ways to understand the query that any book matches. */
  readonly readings: readonly Reading[];
  /** An FTS5 expression of all of them; `''` when no book matches. Most searches do not need it. */
  readonly expression: () => string;
  /** The books to rank: the most popular matches, and those whose whole title or author is the query. */
  readonly places: readonly number[];
  /** All books that match any reading, most popular first, at most `mostCounted`. */
  readonly matches: readonly number[];
  /** How many books match the readings, counted up to `mostCounted`. */
  readonly count: number;
  /** Whether `count` is exact. */
  readonly isWhole: boolean;
  /** Words left out because no book has them together with the others. */
  readonly dropped: readonly string[];
};

/** How many of the most popular matches are ranked. Those after them stay in order of popularity. */
export const rankedCandidates = 200;
/** How many more books are ranked because their titles are, or start with, what was typed. */
const markedCandidates = 50;
/**
 * If all words are function words, only this many are searched: such a search is the slowest and finds nothing useful.
 */
const functionWordsAtMost = 6;
/** With fewer matches than this, neighbouring words are also read as one. */
const fewMatches = 5;

/**
 * Finds the books that have all words as typed. With fewer than `fewMatches` it also joins words and reads numbers; if
 * none of them was surely meant, it corrects and splits words. If that finds nothing either, it leaves words out,
 * function words first.
 */
export function planSearch(
  index: IndexReader,
  vocabulary: Vocabulary | null,
  query: ParsedQuery,
  exact: boolean,
): SearchPlan {
  const words = withKnownAuthor(index, withKnownSymbols(index, query.words));
  const asTyped = readingAsTyped(words, query.phrase);
  const limit = limitOf(words);
  const found = matchSlots(index, asTyped.slots, limit);
  if (found.count >= fewMatches || exact) return typedPlan(index, query, asTyped, found, limit);
  const typed = markedByChance(index, asTyped, found.places);
  const corrector = vocabulary === null ? null : correctorOf(vocabulary);
  const others = [
    ...withNumbers(typed),
    ...asVolume(index, typed),
    ...(found.count > 0 ? withoutArticles(typed) : []),
    ...(corrector?.joined(inOrderTyped(query, words)) ?? []),
  ];
  const isSure = typed.isByChance !== true && (corrector === null || !isDoubtful(index, typed, found.places));
  const isAlone = others.length === 0 && words.length > 1 && found.count > 0;
  if (isAlone && isSure) return typedPlan(index, query, typed, found, limit);
  const gathered = createGathering(index);
  gathered.add(typed, found);
  for (const reading of others) gathered.try(reading);
  if (gathered.hasLikely()) {
    if (corrector !== null) addCorrectedTitles(index, corrector, words, gathered);
    if (corrector !== null && !isSure) addIfBetter(index, corrector.inAnyWay(words), typed, gathered);
    return gathered.plan([]);
  }
  addInitials(index, words, gathered);
  for (const reading of corrector?.readings(words, gathered) ?? []) gathered.try(reading);
  if (gathered.hasAny()) return gathered.plan([]);
  const wordsBeside = (slots: readonly Slot[]): Iterable<string> => wordsOfBooks(index, slots);
  for (const reading of corrector?.guesses(words, wordsBeside) ?? []) addIfNamed(index, reading, gathered);
  if (gathered.hasAny() || found.count > 0) return gathered.plan([]);
  return planWithFewerWords(index, corrector, words);
}

/** One for each vocabulary, because making it takes longer than many a search. */
const correctors = new WeakMap<Vocabulary, Corrector>();

function correctorOf(vocabulary: Vocabulary): Corrector {
  const known = correctors.get(vocabulary);
  if (known !== undefined) return known;
  const corrector = createCorrector(vocabulary);
  correctors.set(vocabulary, corrector);
  return corrector;
}

function typedPlan(
  index: IndexReader,
  query: ParsedQuery,
  typed: Reading,
  { places, matches, count, isWhole }: Matches,
  limit: number,
): SearchPlan {
  const whole =
    count > limit ? [...wholePlaces(index, query), ...startingPlaces(index, typed.slots, query.phrase)] : [];
  return {
    readings: [typed],
    expression: () => (count === 0 ? '' : slotsExpression(typed.slots)),
    places: whole.length === 0 ? places : [...new Set([...whole, ...places])],
    matches,
    count,
    isWhole,
    dropped: [],
  };
}

/**
 * “hunger games three”, “fahrenheit four fifty one”: number words also read as digits. “part two” behind other words is
 * read as the number alone.
 */
function withNumbers({ slots }: Reading): readonly Reading[] {
  const typed = slots.map((slot) => slot.typed);
  const read: Slot[] = [];
  for (let at = 0; at < slots.length; at++) {
    const slot = slots[at]!;
    const said = numberIn(typed, at);
    const next = slots[at + 1];
    const both = next === undefined || slots.length < 3 ? null : countOf(slot, next);
    if (said !== null) {
      read.push({ ...slot, alternatives: inNumbers(said), typed: typed.slice(at, said.end).join(' ') });
      at = said.end - 1;
    } else {
      read.push(both ?? inOtherForms(slot));
      if (both !== null) at++;
    }
  }
  return read.every((slot, at) => slot === slots[at]) ? [] : [reading(read)];
}

/** Words that only say what a number counts. */
const counted = new Set(['book', 'number', 'no', 'part', 'pt', 'vol', 'volume']);

/** “part two”, “second book”: the number; `null` for other neighbours. */
function countOf(one: Slot, other: Slot): Slot | null {
  const number = counted.has(one.typed) ? other : counted.has(other.typed) ? one : null;
  const digits = number === null ? null : /^\d+$/.test(number.typed) ? number.typed : digitsOf(number.typed);
  return digits === null ? null : { ...one, alternatives: [inDigits(digits)], typed: `${one.typed} ${other.typed}` };
}

/** “the life of pi” is also a title without its article. */
function withoutArticles({ slots, phrase }: Reading): readonly Reading[] {
  const others = slots.filter(({ typed }) => !isArticle(typed));
  if (others.length === slots.length || others.filter(({ typed }) => !functionWords.has(typed)).length < 2) return [];
  const words = phrase!.split(' ').filter((word) => !isArticle(word));
  return [reading(others, words.join(' '))];
}

/** All words with their repetitions. Words after `author:` stay bound to the author. */
function inOrderTyped({ phrase }: ParsedQuery, words: readonly QueryWord[]): readonly QueryWord[] {
  if (words.some(isOfAuthor)) return words;
  const typed = phrase.split(' ');
  return typed.map((word, at) => ({ word, prefix: at === typed.length - 1, only: null }));
}

/** The places of books whose whole title or author is the query, even of unpopular ones. */
function wholePlaces(index: IndexReader, query: ParsedQuery): readonly number[] {
  const key = withoutArticle(countingKey(query.text));
  return key.split(' ').length > wholeWordsAtMost ? [] : index.match(`"${wholeMark(key)}"`, markedCandidates);
}

/** The places of books whose titles may start with the words. */
function startingPlaces(index: IndexReader, slots: readonly Slot[], phrase: string): readonly number[] {
  const mark = startMarkOf(phrase);
  if (mark === null) return [];
  const start = slotAsTyped({ word: mark, prefix: phrase.endsWith(mark.slice(1)), only: null });
  return index.places([...slots, start]).slice(0, markedCandidates);
}

/** For a query of one word: adds books whose whole title is that word corrected, as “duen” may mean Dune. */
function addCorrectedTitles(
  index: IndexReader,
  corrector: Corrector,
  words: readonly QueryWord[],
  gathered: Gathering,
): void {
  const [word] = words;
  if (words.length !== 1 || word === undefined || word.only !== null) return;
  const slot = corrector.ifNoBookHasIt(word);
  if (slot === null) return;
  const marks = slot.alternatives.map(({ words }) => `"${wholeMark(words[0]!.word)}"`).join(' OR ');
  const books = index.ranked(index.match(marks, markedCandidates)).filter(slotsCheck([slot]));
  const places = books.map(({ place }) => place);
  gathered.add(reading([slot]), allOf(places));
}

function addInitials(index: IndexReader, words: readonly QueryWord[], gathered: Gathering): void {
  const [word] = words;
  if (words.length !== 1 || word === undefined || !/^[a-z]{3,6}$/.test(word.word)) return;
  const places = index.match(`"${wholeMark(word.word)}"`, markedCandidates);
  gathered.add({ slots: [], phrase: null, initials: word.word }, allOf(places));
}

/**
 * “lotr 3”, “game of thrones book 2”: reads the last word as a volume of the series that the other words name or begin.
 */
function asVolume(index: IndexReader, { slots, phrase }: Reading): readonly Reading[] {
  const last = slots.at(-1);
  const before = slots.at(-2);
  if (last === undefined || before === undefined || phrase === null || slots.some(isOfAuthor)) return [];
  const counts = slots.length > 2 ? countOf(before, last) : null;
  const number = counts ?? { ...last, alternatives: [inDigits(digitsOf(last.typed) ?? last.typed)] };
  if (!/^\d{1,2}$/.test(number.alternatives[0]!.words[0]!.word)) return [];
  const title = slots.slice(0, counts === null ? -1 : -2);
  const typed = phrase
    .split(' ')
    .slice(0, title.length - slots.length)
    .join(' ');
  const key = withoutArticle(typed);
  const places = [
    ...index.match(`"${wholeMark(key)}"`, markedCandidates),
    ...matchSlots(index, title, comparedMatches).places,
  ];
  const named = index.ranked([...new Set(places)]).filter((one) => isNamed(one, key));
  const [book] = named.sort(
    (one, other) => Number(one.series === '') - Number(other.series === '') || one.place - other.place,
  );
  const series = book === undefined ? [] : seriesName(book);
  return series.length === 0 ? [] : [reading([{ ...title[0]!, typed, alternatives: [inFull(series)] }, number])];
}

/** The words of titles and authors of the most popular books that match the slots. */
function wordsOfBooks(index: IndexReader, slots: readonly Slot[]): ReadonlySet<string> {
  const words = new Set<string>();
  for (const { title, author } of index.ranked(matchSlots(index, slots, rankedCandidates).places)) {
    for (const word of `${title}${author}`.split(' ')) words.add(word);
  }
  return words;
}

/** Adds a reading if its best book is better than those of another one that has been added. */
function addIfBetter(index: IndexReader, reading: Reading, than: Reading, gathered: Gathering): void {
  const { places } = matchSlots(index, reading.slots, rankedCandidates);
  if (rankBooks(index.ranked(places), [than, reading])[0]?.reading === reading) gathered.try(reading);
}

/**
 * Adds a book if one author's name, or its title, is what the reading says. A reading of one word adds all its books.
 */
function addIfNamed(index: IndexReader, reading: Reading, gathered: Gathering): void {
  const { places } = matchSlots(index, reading.slots, comparedMatches);
  const authors = new Map(index.factsAt(places, anyBook).map(({ place, author }) => [place, splitAuthors(author)]));
  const named = index.ranked(places).filter((book) => {
    const isOneName = authors.get(book.place)?.some((name) => holdsAll(name, reading)) === true;
    return reading.slots.length === 1 || isOneName || isAllOfTitle(book, reading);
  });
  gathered.add(reading, allOf(named.map(({ place }) => place)));
}

/**
 * “.net” and “c++” are words as typed. If no book has them, “.hack” is “hack”, and “c#” any letter C with symbols
 * behind it, but never the plain letter.
 */
function withKnownSymbols(index: IndexReader, words: readonly QueryWord[]): readonly QueryWord[] {
  if (!words.some(({ word }) => symbols.test(word))) return words;
  const isKnown = (word: QueryWord): boolean => index.places([slotAsTyped(word)]).length > 0;
  return words.map((word) => {
    if (!symbols.test(word.word) || isKnown(word)) return word;
    const letters = word.word.replace(symbols, '');
    if (word.word.startsWith('.')) return { ...word, word: letters };
    const others = ['+', '#'].map((symbol) => ({ ...word, word: letters + symbol, prefix: true }));
    return others.find(isKnown) ?? word;
  });
}

const symbols = /[.+#]+/;

/** “author:tolkien hobbit”: of the words after `author:`, those behind the longest known name may be anywhere. */
function withKnownAuthor(index: IndexReader, words: readonly QueryWord[]): readonly QueryWord[] {
  const name = words.filter(isOfAuthor);
  if (name.length < 2) return words;
  for (let length = name.length; length > 0; length--) {
    const kept = name.slice(0, length);
    if (!hasMatch(index, kept.map(slotAsTyped))) continue;
    return words.map((word) => (kept.includes(word) ? word : { ...word, only: null }));
  }
  return words;
}

/** How many of the most popular matches are compared when one of several words must be left out. */
const comparedMatches = 20;

/** Leaves out function words first, then numbers. Function words are searched only if there are no other words. */
function planWithFewerWords(index: IndexReader, corrector: Corrector | null, words: readonly QueryWord[]): SearchPlan {
  const slots = words.map((word) =>
    inOtherForms(corrector === null ? slotAsTyped(word) : corrector.knownOrPlural(word)),
  );
  const telling = slots.filter(({ typed }) => !functionWords.has(typed));
  const kept = keepMatchingWords(telling.length > 0 ? telling : slots.slice(0, functionWordsAtMost), {
    matches: (some) => hasMatch(index, some),
    worth: (some) => {
      const books = index.ranked(index.places(some).slice(0, comparedMatches));
      return rankBooks(books, [reading(some, phraseAsTyped(some))])[0]?.score ?? 0;
    },
    frequency: (slot) => {
      const books = index.places([{ ...slot, only: null }]).length;
      return books > 0 && /^\d+$/.test(slot.typed) ? books + mostCounted : books;
    },
  });
  const gathered = createGathering(index);
  if (kept.length > 0) gathered.try(reading(kept, phraseAsTyped(kept)));
  return gathered.plan(kept.length === 0 ? [] : slots.filter((slot) => !kept.includes(slot)).map(({ typed }) => typed));
}

/** The words as typed; `null` if a word was corrected. */
function phraseAsTyped(slots: readonly Slot[]): string | null {
  return slots.every(({ alternatives }) => alternatives.length === 1 && alternatives[0]!.edits === 0)
    ? slots.map(({ typed }) => typed).join(' ')
    : null;
}

function likeliestPhrase({ slots }: Reading): string {
  return slots.map(({ alternatives }) => alternatives[0]!.words.map(({ word }) => word).join(' ')).join(' ');
}

function isAnother({ alternatives }: Slot): boolean {
  return alternatives[0]!.edits > 0;
}

function expressionOf(readings: readonly Reading[]): string {
  const each = readings.map(({ slots, initials }) =>
    initials === null ? slotsExpression(slots) : `"${wholeMark(initials)}"`,
  );
  return each.length < 2 ? (each[0] ?? '') : each.map((one) => `(${one})`).join(' OR ');
}

type Gathering = ReturnType<typeof createGathering>;

/** The reading, marked if its books match it only by chance. */
function markedByChance(index: IndexReader, reading: Reading, places: readonly number[]): Reading {
  return isByChance(index, reading, places) ? { ...reading, isByChance: true } : reading;
}

/**
 * Whether the books have the words only in names of several people, as “Barbara Kingsolver, Steven L. Hopp” has those
 * of “steven king”. This is not checked when many books match.
 */
function isByChance(index: IndexReader, reading: Reading, places: readonly number[]): boolean {
  if (reading.slots.length < 2 || places.length === 0 || places.length >= fewMatches) return false;
  const checks = reading.slots.map((slot) => slotsCheck([slot]));
  const isElsewhere = index.ranked(places).some((book) => {
    const withoutAuthor = { ...book, author: '' };
    return checks.some((check) => check(withoutAuthor));
  });
  if (isElsewhere) return false;
  const lines = index.factsAt(places, anyBook).map(({ author }) => splitAuthors(author));
  return !lines.some((names) => names.some((name) => holdsAll(name, reading)));
}

/** In longer queries words are rarely met together by chance. */
const doubtedAtMost = 4;

/** Whether the books that have all words as typed, a few, are little known or have only longer words than the last. */
function isDoubtful(index: IndexReader, typed: Reading, places: readonly number[]): boolean {
  const isShort = typed.slots.length > 1 && typed.slots.length <= doubtedAtMost;
  return isShort && places.length > 0 && !index.ranked(places).some(sureCheck(typed, 'anywhere'));
}

/** Gathers the matches of several readings. */
function createGathering(index: IndexReader) {
  const readings: Reading[] = [];
  const places = new Set<number>();
  let soundMatches = 0;
  const all = new Set<number>();
  let mostMatches = 0;
  let isWhole = true;
  const add = (reading: Reading, { places: found, ...matches }: Matches): void => {
    if (found.length === 0) return;
    readings.push(reading);
    const before = places.size;
    for (const place of found) places.add(place);
    if (reading.isByChance !== true) soundMatches += places.size - before;
    for (const place of matches.matches) all.add(place);
    mostMatches = Math.max(mostMatches, matches.count);
    isWhole &&= matches.isWhole;
  };
  return {
    add,
    try: (reading: Reading): void => {
      const matches = matchSlots(index, reading.slots, limitOf(reading.slots));
      const isCut = matches.count > matches.places.length;
      const starting = isCut ? startingPlaces(index, reading.slots, likeliestPhrase(reading)) : [];
      const found = [...matches.places, ...starting];
      add(markedByChance(index, reading, found), { ...matches, places: found });
    },
    /** Books of readings that match by chance are not counted. */
    hasAny: () => soundMatches > 0,
    hasEnough: () => soundMatches >= fewMatches,
    /** Whether the title of one of the most popular books was surely meant by a reading. */
    hasTitle: () => {
      const popular = index.ranked([...places].sort((a, b) => a - b).slice(0, comparedMatches));
      return readings.some(
        (one) => one.isByChance !== true && one.initials === null && popular.some(sureCheck(one, 'title')),
      );
    },
    /** Whether any reading corrects at most one word, and does not match by chance. */
    hasLikely: () =>
      readings.some((reading) => reading.slots.filter(isAnother).length <= 1 && reading.isByChance !== true),
    /** The total of several large readings is not known. It is at least that of the largest one. */
    plan: (dropped: readonly string[]): SearchPlan => {
      const count = Math.max(places.size, mostMatches);
      return {
        readings,
        expression: () => expressionOf(readings),
        places: [...places],
        matches: [...all].sort((a, b) => a - b).slice(0, mostCounted),
        count,
        isWhole: isWhole && (readings.length < 2 || count === places.size),
        dropped,
      };
    },
  };
}

/** How many places are read. More after `author:`, because the index cannot tell which matches are by the author. */
function limitOf(slots: readonly Pick<Slot, 'only'>[]): number {
  return slots.some(isOfAuthor) ? mostCounted : rankedCandidates;
}

function isOfAuthor({ only }: Pick<Slot, 'only'>): boolean {
  return only !== null;
}

type Matches = {
  /** Most popular first, no more than the limit. */
  readonly places: readonly number[];
  /** Without that limit, at most `mostCounted`. */
  readonly matches: readonly number[];
  /** How many books match in all, counted up to `mostCounted`. */
  readonly count: number;
  /** False: less popular books may match that were not read. */
  readonly isWhole: boolean;
};

function allOf(places: readonly number[]): Matches {
  return { places, matches: places, count: places.length, isWhole: true };
}

/** The first `limit` books that match all slots. At least one slot. */
function matchSlots(index: IndexReader, slots: readonly Slot[], limit: number): Matches {
  const ofAuthor = slots.filter(isOfAuthor);
  return ofAuthor.length === 0 ? matchAnywhere(index, slots, limit) : matchAuthors(index, slots, ofAuthor, limit);
}

/**
 * The index does not know in which field a word stands, so this reads the books that have the words, and checks the
 * author.
 */
function matchAuthors(index: IndexReader, slots: readonly Slot[], ofAuthor: readonly Slot[], limit: number): Matches {
  const name = authorKey(ofAuthor.map(({ typed }) => typed).join(' '));
  const anywhere = matchAnywhere(index, slots, mostCounted);
  const byName = index.match(`"${wholeMark(name)}"`, mostCounted);
  const places = placesHaving(index, [...new Set([...byName, ...anywhere.places])], slots).toSorted((a, b) => a - b);
  return {
    places: places.slice(0, limit),
    matches: places,
    count: places.length,
    isWhole: Math.max(anywhere.count, byName.length) < mostCounted,
  };
}

/** Whether any book matches all slots. */
function hasMatch(index: IndexReader, slots: readonly Slot[]): boolean {
  return matchSlots(index, slots, mostCounted).count > 0;
}

function matchAnywhere(index: IndexReader, slots: readonly Slot[], limit: number): Matches {
  const matches = index.places(slots);
  const places = matches.length > limit ? matches.slice(0, limit) : matches;
  return { places, matches, count: matches.length, isWhole: true };
}

/** The places whose books match the slots. */
function placesHaving(index: IndexReader, places: readonly number[], slots: readonly Slot[]): readonly number[] {
  const isMatch = slotsCheck(slots);
  const having = new Set<number>();
  for (const book of index.ranked(places)) if (isMatch(book)) having.add(book.place);
  return places.filter((place) => having.has(place));
}
