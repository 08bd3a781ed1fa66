import { functionWords, countingKey } from '../../../../text/words.ts';
import { titleMark, titleMarks, wholeMark, wholeWordsAtMost, withoutArticle } from '../index/book-row.ts';
import { mostCounted, type IndexReader } from '../index/read-index.ts';
import type { Spelling } from '../spelling/spelling.ts';
import { createCorrector, type Corrector } from './correct-words.ts';
import { slotsCheck } from './rank-books.ts';
import { keepMatchingWords } from './drop-words.ts';
import { hasMatch, matchSlots, type Matches } from './match-slots.ts';
import {
  type ParsedQuery,
  type QueryWord,
  readingAsTyped,
  slotsExpression,
  slotAsTyped,
  type Reading,
  type Slot,
} from './parse-query.ts';

/** What to search with. */
export type SearchPlan = {
  /** The ways to understand the query that any book matches. */
  readonly readings: readonly Reading[];
  /** An FTS5 expression of all of them; `''` when no book matches. */
  readonly expression: string;
  /** The books to rank: the most popular matches, and those whose whole title or author is the query. */
  readonly places: readonly number[];
  /** Matches of the readings, as far as `mostCounted`. */
  readonly count: number;
  /** False: there may be more. */
  readonly isWhole: boolean;
  /** Words left out because no book has them together with the others. */
  readonly dropped: readonly string[];
};

/** How many of the most popular matches are ranked; what comes after them stays in order of popularity. */
export const rankedCandidates = 200;
/** How many books are ranked besides because their titles are, or start with, what was typed. */
const markedCandidates = 50;
/** Where all words say nothing, looking for books that have some of them costs most and tells least. */
const functionWordsAtMost = 6;
/** With fewer matches than these, neighbouring words are also taken for one. */
const fewMatches = 5;

/**
 * Finds the books that have all words as typed. When no book has, words are corrected, joined and parted; when that
 * finds nothing either, words are left out, those that say nothing first.
 */
export function planSearch(
  index: IndexReader,
  spelling: Spelling | null,
  query: ParsedQuery,
  exact: boolean,
): SearchPlan {
  const words = withKnownAuthor(
    index,
    query.words.map((word) => withKnownSymbols(index, word)),
  );
  const typed = readingAsTyped(words, query.phrase);
  const limit = limitOf(words);
  const found = matchSlots(index, typed.slots, limit);
  if (found.count >= fewMatches || exact) return typedPlan(index, query, typed, found, limit);
  const gathered = createGathering(index);
  gathered.add(typed, found);
  const corrector = spelling === null ? null : createCorrector(index, spelling);
  for (const reading of corrector?.joined(inOrderTyped(query, words)) ?? []) gathered.try(reading);
  if (gathered.hasLikely()) {
    if (corrector !== null) addCorrectedTitles(index, corrector, words, gathered);
    return gathered.plan([]);
  }
  addInitials(index, words, gathered);
  for (const readings of corrector?.readings(words, () => gathered.count() > 0) ?? []) {
    for (const reading of readings) gathered.try(reading);
    if (gathered.count() >= fewMatches) break;
  }
  if (gathered.count() > 0) return gathered.plan([]);
  return planWithFewerWords(index, corrector, words);
}

function typedPlan(
  index: IndexReader,
  query: ParsedQuery,
  typed: Reading,
  { places, count, isWhole }: Matches,
  limit: number,
): SearchPlan {
  const expression = count === 0 ? '' : slotsExpression(typed.slots);
  const whole = count > limit ? [...wholePlaces(index, query), ...startingPlaces(index, expression, query.phrase)] : [];
  return {
    readings: [typed],
    expression,
    places: whole.length === 0 ? places : [...new Set([...whole, ...places])],
    count,
    isWhole,
    dropped: [],
  };
}

/** All words with their repetitions; those after `author:` keep to it. */
function inOrderTyped({ phrase }: ParsedQuery, words: readonly QueryWord[]): readonly QueryWord[] {
  if (words.some(({ only }) => only !== null)) return words;
  const typed = phrase.split(' ');
  return typed.map((word, at) => ({ word, prefix: at === typed.length - 1, only: null }));
}

/** However unpopular they are. */
function wholePlaces(index: IndexReader, query: ParsedQuery): readonly number[] {
  const key = withoutArticle(countingKey(query.text));
  return key.split(' ').length > wholeWordsAtMost ? [] : index.match(`"${wholeMark(key)}"`, markedCandidates);
}

/** Those whose titles may start with the words. */
function startingPlaces(index: IndexReader, expression: string, phrase: string): readonly number[] {
  const mark = titleMark(phrase);
  return mark.length < titleMarks.length + 3 ? [] : index.match(`(${expression}) AND "${mark}"`, markedCandidates);
}

/** “duen” begins a name that few have, and is nearly the whole of a title: Dune. */
function addCorrectedTitles(
  index: IndexReader,
  corrector: Corrector,
  words: readonly QueryWord[],
  gathered: Gathering,
): void {
  const [word] = words;
  if (words.length !== 1 || word === undefined || word.only !== null) return;
  const slot = corrector.unlessWhole(word);
  if (slot === null) return;
  const marks = slot.alternatives.map(({ words }) => `"${wholeMark(words[0]!.word)}"`).join(' OR ');
  const books = index.ranked(index.match(marks, markedCandidates)).filter(slotsCheck([slot]));
  const places = books.map(({ place }) => place);
  gathered.add({ slots: [slot], phrase: null, whole: null }, { places, count: places.length, isWhole: true });
}

function addInitials(index: IndexReader, words: readonly QueryWord[], gathered: Gathering): void {
  const [word] = words;
  if (words.length !== 1 || word === undefined || !/^[a-z]{3,6}$/.test(word.word)) return;
  const places = index.match(`"${wholeMark(word.word)}"`, markedCandidates);
  gathered.add({ slots: [], phrase: null, whole: word.word }, { places, count: places.length, isWhole: true });
}

/** “c++” is the word as typed; “ab+”, which no book has, is “ab”. */
function withKnownSymbols(index: IndexReader, word: QueryWord): QueryWord {
  const letters = word.word.replaceAll(/[.+#]/g, '');
  return letters === word.word || index.places([slotAsTyped(word)]).length > 0 ? word : { ...word, word: letters };
}

/** “author:tolkien hobbit”: of the words after `author:`, those behind the longest known name may be anywhere. */
function withKnownAuthor(index: IndexReader, words: readonly QueryWord[]): readonly QueryWord[] {
  const name = words.filter(({ only }) => only !== null);
  if (name.length < 2) return words;
  for (let length = name.length; length > 0; length--) {
    const kept = name.slice(0, length);
    if (!hasMatch(index, kept.map(slotAsTyped))) continue;
    return words.map((word) => (kept.includes(word) ? word : { ...word, only: null }));
  }
  return words;
}

/** What is left out first are words that say nothing, then numbers; they alone are never what is searched for. */
function planWithFewerWords(index: IndexReader, corrector: Corrector | null, words: readonly QueryWord[]): SearchPlan {
  const slots = words.map((word) => (corrector === null ? slotAsTyped(word) : corrector.knownInNumber(word)));
  const telling = slots.filter(({ typed }) => !functionWords.has(typed));
  const kept = keepMatchingWords(telling.length > 0 ? telling : slots.slice(0, functionWordsAtMost), {
    matches: (some) => hasMatch(index, some),
    frequency: (slot) => {
      const books = index.places([{ ...slot, only: null }]).length;
      return books > 0 && /^\d+$/.test(slot.typed) ? books + mostCounted : books;
    },
  });
  const gathered = createGathering(index);
  if (kept.length > 0) gathered.try({ slots: kept, phrase: phraseAsTyped(kept), whole: null });
  return gathered.plan(kept.length === 0 ? [] : slots.filter((slot) => !kept.includes(slot)).map(({ typed }) => typed));
}

/** `null` where a word may stand for another. */
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

type Gathering = ReturnType<typeof createGathering>;

/** Gathers the matches of several readings. */
function createGathering(index: IndexReader) {
  const readings: Reading[] = [];
  const places = new Set<number>();
  const expressions: string[] = [];
  let mostMatches = 0;
  let isWhole = true;
  const add = (reading: Reading, { places: found, ...matches }: Matches): void => {
    if (found.length === 0) return;
    readings.push(reading);
    expressions.push(reading.whole === null ? slotsExpression(reading.slots) : `"${wholeMark(reading.whole)}"`);
    for (const place of found) places.add(place);
    mostMatches = Math.max(mostMatches, matches.count);
    isWhole &&= matches.isWhole;
  };
  return {
    add,
    try: (reading: Reading): void => {
      const expression = slotsExpression(reading.slots);
      const matches = matchSlots(index, reading.slots, limitOf(reading.slots));
      const isCut = matches.count > matches.places.length;
      const starting = isCut ? startingPlaces(index, expression, likeliestPhrase(reading)) : [];
      add(reading, { ...matches, places: [...matches.places, ...starting] });
    },
    count: () => places.size,
    /** Whether any reading takes no more than one word for another. */
    hasLikely: () => readings.some(({ slots }) => slots.filter(isAnother).length <= 1),
    /** How many books match several readings of many matches is not known: at least as many as one of them. */
    plan: (dropped: readonly string[]): SearchPlan => {
      const count = Math.max(places.size, mostMatches);
      return {
        readings,
        expression: expressions.length < 2 ? (expressions[0] ?? '') : expressions.map((one) => `(${one})`).join(' OR '),
        places: [...places],
        count,
        isWhole: isWhole && (readings.length < 2 || count === places.size),
        dropped,
      };
    },
  };
}

/** All are needed where the index cannot tell which of the further matches are by the author. */
function limitOf(slots: readonly Pick<Slot, 'only'>[]): number {
  return slots.some(({ only }) => only !== null) ? mostCounted : rankedCandidates;
}
