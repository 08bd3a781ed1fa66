import { isArticle, withoutArticle } from '../../../../text/english-words.ts';
import { cutWords } from '../../../../text/words.ts';
import { initialsOfSeries, wordsOfSeries, type RankedBook } from '../index/book-row.ts';
import type { Alternative, Slot } from '../index/slots.ts';
import type { Reading } from './parse-query.ts';

/**
 * What a match is worth. The unit is one doubling of popularity: a bonus of 3 equals eight times as many readers. Title
 * and author weigh the same, because a heavier title would put books *about* Tolkien first.
 */
const points = {
  title: 4,
  author: 4,
  series: 3,
  otherTitles: 3.5,
  subjects: 0,
  /** The number asked for is only one of the volumes in a collection. */
  oneOfVolumes: -3,
  /** Only the beginning of a word matched. */
  unfinished: -1.5,
  /** The title, or the part before a subtitle, equals the query. A book gets at least these points. */
  wholeTitle: 8,
  wholeAuthor: 6,
  /** The initials of the title are what was typed. */
  initials: 3,
  titleStart: 4,
  /** For each further typed word with which the title starts, unless one of three or more is corrected. */
  longerStart: 2,
  /** The title starts with the query: all points from 80 % of the title on (`nearlyAll`), a share below. */
  shareOfTitle: 4.8,
  /** All words of the title, or of its main part, in another order. */
  allOfTitle: 4,
  /**
   * The title has a typed word, and is shorter than `usualTitle`: it is nearer to what was typed. A title of twice that
   * length loses as much as the shortest wins.
   */
  shortTitle: 1,
  /** The title contains the query as a phrase. */
  titlePhrase: 1.5,
  /** The author contains it, and no word is unfinished. */
  authorPhrase: 4,
  /** The author line also ends with the query: it is a surname, not a first name. */
  authorEnd: 5.5,
  /** The series begins with what was typed. */
  seriesStart: 3,
  /** Words that were typed as one stand apart in the title and the series. */
  apart: -3,
  /** What each typing error takes away. */
  edit: -6,
  /** The words are in names of different people: the book has them together by chance. */
  byChance: -4,
  /** For the third and later books of one author, when several authors have the name. */
  sameAuthor: -3,
  /** For the second and later books of one title, unless it is what was typed. */
  sameTitle: -12,
} as const;

/** What a word in a field is worth at most. */
const mostOfWord = Math.max(points.title, points.author, points.otherTitles, points.series);

/** So large a part of a title is worth as much as all of it. */
const nearlyAll = 0.8;
/** Letters. */
const usualTitle = 50;

export type RankedMatch = { readonly book: RankedBook; readonly score: number; readonly reading: Reading };

/** Ranks the books, best first; ties by id. A query has several readings; the best one gives a book its score. */
export function rankBooks(books: readonly RankedBook[], readings: readonly Reading[]): readonly RankedMatch[] {
  const prepared = readings.map(prepare);
  const matches: RankedMatch[] = [];
  for (const book of books) {
    let best = absent;
    let reading: Reading | null = null;
    for (const one of prepared) {
      const score = scoreBook(book, one);
      if (score <= best) continue;
      best = score;
      reading = one.reading;
    }
    if (reading !== null) matches.push({ book, score: best, reading });
  }
  if (matches.length < 2) return matches;
  matches.sort(bestFirst);
  const isShared = readings.some(({ slots }) => slots.length === 1);
  return withWholeFirst(shareBetweenTitles(isShared ? shareBetweenAuthors(matches) : matches), readings);
}

function bestFirst(a: RankedMatch, b: RankedMatch): number {
  return b.score - a.score || a.book.id - b.book.id;
}

const booksOfOneAuthor = 2;

/** One word may be the name of several authors. Then the first places are shared between them. */
function shareBetweenAuthors(matches: readonly RankedMatch[]): readonly RankedMatch[] {
  const books = new Map<string, number>();
  const shared = matches.map((match) => {
    const author = authorAskedFor(match);
    if (author === null) return match;
    const before = books.get(author) ?? 0;
    books.set(author, before + 1);
    return before < booksOfOneAuthor ? match : { ...match, score: match.score + points.sameAuthor };
  });
  return books.size > 1 ? shared.sort(bestFirst) : matches;
}

/** Among the first books, how many are compared by title. */
const comparedByTitle = 20;

/** Editions and namesakes stand behind other titles that match nearly as well. */
function shareBetweenTitles(matches: readonly RankedMatch[]): readonly RankedMatch[] {
  const titles = new Set<string>();
  let shared: RankedMatch[] | null = null;
  for (let at = 0; at < Math.min(comparedByTitle, matches.length); at++) {
    const match = matches[at]!;
    const isRepeated = titles.has(match.book.title);
    titles.add(match.book.title);
    if (!isRepeated || isWhollyTyped(match)) continue;
    shared ??= [...matches];
    shared[at] = { ...match, score: match.score + points.sameTitle };
  }
  return shared?.sort(bestFirst) ?? matches;
}

/** Whether the title is what was typed, or what was perhaps meant. */
function isWhollyTyped({ book, reading }: RankedMatch): boolean {
  return isWholeTitle(book.title, ` ${reading.phrase ?? spellingIn(book, reading)} |`);
}

/** The author that the only word of the query names, if the title does not have the word. */
function authorAskedFor({ book, reading }: RankedMatch): string | null {
  const [slot] = reading.slots;
  if (slot === undefined || reading.slots.length > 1) return null;
  for (const { words } of slot.alternatives) {
    if (words.length > 1) continue;
    const word = ` ${words[0]!.word}`;
    const at = book.author.indexOf(word);
    if (at < 0 || book.title.includes(word)) continue;
    const start = book.author.lastIndexOf('|', at) + 1;
    return book.author.slice(start, book.author.indexOf('|', at));
  }
  return null;
}

/** Puts the best book whose title is what was typed, and the best by an author of that name, before all others. */
function withWholeFirst(matches: readonly RankedMatch[], readings: readonly Reading[]): readonly RankedMatch[] {
  const phrase = readings[0]?.phrase ?? null;
  if (phrase === null) return matches;
  const whole = ` ${phrase} |`;
  const title = matches.find(({ book }) => isWholeTitle(book.title, whole));
  const author = matches.find(({ book }) => book.author.startsWith(whole));
  if (title === undefined && author === undefined) return matches;
  const first = [title, author === title ? undefined : author].filter((match) => match !== undefined);
  return [...first, ...matches.filter((match) => match !== title && match !== author)];
}

/** The article may be missing: “great gatsby” is the whole title of “The Great Gatsby”. */
function isWholeTitle(title: string, whole: string): boolean {
  const at = title.indexOf(whole);
  return at === 0 || (at > 0 && isArticle(title.slice(1, at)));
}

/** Returns a check whether a book matches all slots, each in its field. */
export function slotsCheck(slots: readonly Slot[]): (book: RankedBook) => boolean {
  const prepared = slots.map(needlesOf);
  return (book) =>
    prepared.every(({ alternatives, only }) =>
      alternatives.some((alternative) => alternativePoints(book, alternative, only) !== absent),
    );
}

/** Fewer letters for each typing error are more often those of another word. */
const lettersPerEdit = 3.5;
/** Two words may be in a book by chance. A book of so many popularity points, 31 readers, is taken as meant. */
const knownBook = 5;

/**
 * Returns a check whether a book has surely been meant: its title, or the whole book, has all words of the reading,
 * which correct few letters for their lengths.
 */
export function sureCheck({ slots }: Reading, where: 'title' | 'anywhere'): (book: RankedBook) => boolean {
  const prepared = slots.map(needlesOf);
  return (book) => {
    if (slots.length < 3 && book.popularityPoints < knownBook) return false;
    const text = where === 'title' ? book.title : book.title + book.author + book.series + book.otherTitles;
    return prepared.every((slot, at) => {
      const best = slot.alternatives[bestAlternative(book, slot)];
      if (best === undefined || best.edits * lettersPerEdit > slots[at]!.typed.length) return false;
      return best.needles.every(({ whole }) => text.includes(whole));
    });
  };
}

/**
 * Whether the words, without an article, are the title's main part, at least three of its initials, or those of the
 * series.
 */
export function isNamed(book: RankedBook, words: string): boolean {
  const { title, mainTitleEnd, series } = book;
  if (withoutArticle(title.slice(1, mainTitleEnd)) === words || initialsOfSeries(series).includes(words)) return true;
  return words.length >= 3 && initialsPoints(book, words) !== absent;
}

/** The words of the series without its numbers; of a book without series, those of the title's main part. */
export function seriesName({ series, title, mainTitleEnd }: RankedBook): readonly string[] {
  return series === '' ? title.slice(1, mainTitleEnd).split(' ') : wordsOfSeries(series);
}

/** Whether a reading has all words of the title's main part. */
export function isAllOfTitle(book: RankedBook, { slots }: Reading): boolean {
  return hasAllOfTitle(book, slots.map(needlesOf));
}

/** Whether a name has all words of a reading. */
export function holdsAll(name: string, { slots, initials }: Reading): boolean {
  if (initials !== null) return false;
  const cuts = cutWords(name).map(({ word }) => word);
  return slots.every(({ alternatives }) =>
    alternatives.some(({ words }) =>
      words.every(({ word, prefix }) => cuts.some((cut) => (prefix ? cut.startsWith(word) : cut === word))),
    ),
  );
}

/** The words of a reading as the book spells them, separated by one space: what the reader perhaps meant. */
export function spellingIn(book: RankedBook, reading: Reading): string {
  return reading.slots
    .map((slot) => {
      const alternative = slot.alternatives[bestAlternative(book, needlesOf(slot))];
      if (alternative === undefined || alternative.edits === 0) return slot.typed;
      return alternative.words.map((word) => (word.prefix ? finished(book, word.word) : word.word)).join(' ');
    })
    .join(' ');
}

/** The word of the book that begins with `start`. */
function finished(book: RankedBook, start: string): string {
  for (const text of [book.title, book.author, book.series, book.otherTitles]) {
    const at = text.indexOf(` ${start}`);
    if (at >= 0) return text.slice(at + 1, text.indexOf(' ', at + 1));
  }
  return start;
}

/** A word with a space on both sides, and what is looked for: the same, or only the beginning of a word. */
type Needle = { readonly whole: string; readonly soughtFor: string; readonly prefix: boolean };
type Needles = {
  readonly only: Slot['only'];
  readonly alternatives: readonly {
    readonly needles: readonly Needle[];
    readonly edits: number;
    readonly text: string;
  }[];
};

/** A reading with the texts that are looked for in each book. */
type Prepared = {
  readonly reading: Reading;
  readonly slots: readonly Needles[];
  /** `null` if it depends on the book. */
  readonly phrase: Phrase | null;
};

/** A phrase with a space before it, and with one behind it, too. */
type Phrase = { readonly start: string; readonly whole: string };

function phraseOf(start: string): Phrase {
  return { start, whole: `${start} ` };
}

function prepare(reading: Reading): Prepared {
  const slots = reading.slots.map(needlesOf);
  const isFixed = reading.phrase !== null || slots.every(({ alternatives }) => alternatives.length === 1);
  const phrase = reading.phrase ?? slots.map(({ alternatives }) => alternatives[0]!.text).join(' ');
  return { reading, slots, phrase: isFixed ? phraseOf(` ${phrase}`) : null };
}

function needlesOf({ only, alternatives }: Slot): Needles {
  return {
    only,
    alternatives: alternatives.map(({ words, edits }) => ({
      needles: words.map(needleOf),
      edits,
      text: words.length === 1 ? words[0]!.word : words.map(({ word }) => word).join(' '),
    })),
  };
}

function needleOf({ word, prefix }: Alternative['words'][number]): Needle {
  const whole = ` ${word} `;
  return { whole, soughtFor: prefix ? ` ${word}` : whole, prefix };
}

/** The points of what a book does not have. */
const absent = -Infinity;

/** `absent` when the book does not match this reading. */
function scoreBook(book: RankedBook, { reading, slots, phrase }: Prepared): number {
  if (reading.initials !== null) return initialsPoints(book, reading.initials);
  let matched = 0;
  let edits = 0;
  let words = 0;
  let text = '';
  let isInTitle = false;
  for (const slot of slots) {
    const at = slot.alternatives.length === 1 ? 0 : bestAlternative(book, slot);
    if (at < 0) return absent;
    const alternative = slot.alternatives[at]!;
    const worth = alternativePoints(book, alternative, slot.only);
    if (worth === absent) return absent;
    matched += worth - alternative.edits * points.edit;
    edits += alternative.edits;
    words += alternative.needles.length;
    isInTitle ||= book.title.includes(alternative.needles[0]!.soughtFor);
    if (phrase === null) text += ` ${alternative.text}`;
  }
  let bonus = phrasePoints(book, phrase ?? phraseOf(text), slots.length < 3 || edits < 1);
  const mayBeAll = words > 1 && words >= book.mainTitleWords && bonus < points.allOfTitle;
  if (mayBeAll && hasAllOfTitle(book, slots)) bonus = points.allOfTitle;
  if (reading.isByChance === true) bonus += points.byChance;
  if (isInTitle) bonus += points.shortTitle * Math.max(-1, 1 - book.title.indexOf('|') / usualTitle);
  return book.popularityPoints + matched / slots.length + edits * points.edit + bonus;
}

/** Whether the words are all words of the title's main part, in any order. */
function hasAllOfTitle(book: RankedBook, slots: readonly Needles[]): boolean {
  let inTitle = 0;
  for (const slot of slots) {
    const { needles } = slot.alternatives[bestAlternative(book, slot)]!;
    for (const { whole } of needles) inTitle += Number(isInMainTitle(book, whole));
  }
  return inTitle > 1 && inTitle >= book.mainTitleWords;
}

/** The points for the initials of a title or a series. Nothing else of the book needs to match. */
function initialsPoints({ title, series, popularityPoints }: RankedBook, typed: string): number {
  const words = title.slice(1, title.indexOf('|')).trim().split(' ');
  const initials = words.map((word) => word[0] ?? '').join('');
  const isMeant = initials.startsWith(typed) || (isArticle(words[0]!) && initials.startsWith(typed, 1));
  return isMeant || initialsOfSeries(series).includes(typed) ? popularityPoints + points.initials : absent;
}

/** The index of the alternative worth most; -1 when the book has none of them. */
function bestAlternative(book: RankedBook, { alternatives, only }: Needles): number {
  let best = absent;
  let bestAt = -1;
  for (let at = 0; at < alternatives.length; at++) {
    const alternative = alternatives[at]!;
    if (mostOfWord + alternative.edits * points.edit <= best) continue;
    const worth = alternativePoints(book, alternative, only);
    if (worth <= best) continue;
    best = worth;
    bestAt = at;
  }
  return bestAt;
}

function alternativePoints(
  book: RankedBook,
  { needles, edits, text }: Needles['alternatives'][number],
  only: Slot['only'],
): number {
  let worth = Infinity;
  for (const needle of needles) {
    const found = wordPoints(book, needle, only);
    if (found === absent) return absent;
    if (found < worth) worth = found;
  }
  if (needles.length > 1 && !book.title.includes(` ${text}`) && !book.series.includes(` ${text}`))
    worth += points.apart;
  return worth + edits * points.edit;
}

/** The points of the best field that has the word. */
function wordPoints(book: RankedBook, needle: Needle, only: Slot['only']): number {
  if (only === 'author') return fieldPoints(book.author, points.author, needle);
  let best = fieldPoints(book.title, points.title, needle);
  if (best < points.author) best = Math.max(best, fieldPoints(book.author, points.author, needle));
  if (best < points.otherTitles) best = Math.max(best, fieldPoints(book.otherTitles, points.otherTitles, needle));
  if (best < points.series) best = Math.max(best, seriesPoints(book.series, needle));
  if (best < points.subjects) best = Math.max(best, fieldPoints(book.subjects, points.subjects, needle));
  return best;
}

function seriesPoints(series: string, needle: Needle): number {
  const found = fieldPoints(series, points.series, needle);
  return found !== absent && /^ \d+ $/.test(needle.whole) && severalVolumes.test(series)
    ? found + points.oneOfVolumes
    : found;
}

/** The volumes of a collection, as “#1-3”. */
const severalVolumes = / \d+ \d+ \|/;

/** The points for a word in this field; `absent` when it is not there. */
function fieldPoints(text: string, worth: number, { whole, soughtFor, prefix }: Needle): number {
  if (text === '') return absent;
  const at = text.indexOf(soughtFor);
  if (at < 0) return absent;
  if (!prefix) return worth;
  const isWhole = text.startsWith(whole, at) || text.includes(whole, at + 1);
  return worth + (isWhole ? 0 : points.unfinished);
}

function phrasePoints(book: RankedBook, phrase: Phrase, countsLonger: boolean): number {
  const { title, author, series, otherTitles } = book;
  const { start, whole } = phrase;
  if (author.startsWith(whole) && author.charCodeAt(whole.length) === bar) return points.wholeAuthor;
  const at = title.indexOf(start);
  if (at < 0) {
    if (otherTitles !== '' && otherTitles.includes(whole)) return points.titleStart;
    return Math.max(authorPoints(author, phrase), series.startsWith(whole) ? points.seriesStart : 0);
  }
  if (at === 0 || isArticle(title.slice(1, at))) {
    const end = at + start.length;
    const share = Math.min(1, end / title.indexOf('|') / nearlyAll);
    const longer = countsLonger ? Math.min(4, countSpaces(start) - 1) : 0;
    const begins = points.titleStart + points.longerStart * longer + points.shareOfTitle * share;
    const isWhole = end === book.mainTitleEnd || title.charCodeAt(end + 1) === bar;
    return isWhole ? Math.max(points.wholeTitle, begins) : begins;
  }
  return Math.max(authorPoints(author, phrase), points.titlePhrase);
}

function authorPoints(author: string, { whole }: Phrase): number {
  const at = author.indexOf(whole);
  if (at < 0) return 0;
  return author.charCodeAt(at + whole.length) === bar ? points.authorEnd : points.authorPhrase;
}

function isInMainTitle({ title, mainTitleEnd }: RankedBook, word: string): boolean {
  const at = title.indexOf(word);
  return at >= 0 && at < mainTitleEnd;
}

const bar = 124;

function countSpaces(text: string): number {
  let count = 0;
  for (let at = text.indexOf(' '); at >= 0; at = text.indexOf(' ', at + 1)) count++;
  return count;
}
