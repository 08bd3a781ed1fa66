import { isArticle } from '../../../../text/words.ts';
import type { Field, RankedBook } from '../index/book-row.ts';
import type { Reading, Slot } from './parse-query.ts';

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
  /** Only the beginning of a word matched. */
  unfinished: -1.5,
  /** The title, or the part before a subtitle, is what was typed. */
  wholeTitle: 8,
  wholeAuthor: 5,
  /** The initials of the title are what was typed. */
  initials: 3,
  titleStart: 5,
  /** The title starts with several typed words: for each word after the first. */
  longerStart: 2,
  /** The title starts with what was typed: for nearly all of the title; less for a smaller part. */
  shareOfTitle: 3,
  /** All words of the title, or of its main part, in another order. */
  allOfTitle: 4,
  /** The words stand together in the title, in the order typed; in the author, and none is unfinished. */
  titlePhrase: 1.5,
  authorPhrase: 4,
  /** What each typing error takes away. */
  edit: -6,
  /** For the third and later books of one author, when several authors have the name. */
  sameAuthor: -3,
} as const;

export type RankedMatch = { readonly book: RankedBook; readonly score: number; readonly reading: Reading };

/** Ranks the books, best first; ties by id. A book has the score of its best reading. */
export function rankBooks(books: readonly RankedBook[], readings: readonly Reading[]): readonly RankedMatch[] {
  const prepared = readings.map((reading) => ({ reading, slots: reading.slots.map(needlesOf) }));
  const matches: RankedMatch[] = [];
  for (const book of books) {
    let best: RankedMatch | null = null;
    for (const { reading, slots } of prepared) {
      const score = scoreBook(book, slots, reading);
      if (score !== null && (best === null || score > best.score)) best = { book, score, reading };
    }
    if (best !== null) matches.push(best);
  }
  matches.sort(bestFirst);
  return withWholeFirst(shareBetweenAuthors(matches), readings);
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

/** The author that the only word of the query names, if the title does not have the word. */
function authorAskedFor({ book, reading }: RankedMatch): string | null {
  const [slot, ...others] = reading.slots;
  if (slot === undefined || others.length > 0) return null;
  for (const { words } of slot.alternatives) {
    const [word, ...more] = words;
    if (word === undefined || more.length > 0 || book.title.includes(` ${word.word}`)) continue;
    const at = book.author.indexOf(` ${word.word}`);
    if (at < 0) continue;
    const start = book.author.lastIndexOf('|', at) + 1;
    return book.author.slice(start, book.author.indexOf('|', at));
  }
  return null;
}

/** Puts the best book whose title is what was typed, and the best by an author of that name, before all others. */
function withWholeFirst(matches: readonly RankedMatch[], readings: readonly Reading[]): readonly RankedMatch[] {
  const phrase = readings[0]?.phrase ?? null;
  if (phrase === null) return matches;
  const isAuthor = ({ book }: RankedMatch): boolean => book.author.startsWith(` ${phrase} |`);
  const isTitle = ({ book }: RankedMatch): boolean => isWholeTitle(book.title, phrase);
  const first = new Set([matches.find(isTitle), matches.find(isAuthor)].filter((match) => match !== undefined));
  return first.size === 0 ? matches : [...first, ...matches.filter((match) => !first.has(match))];
}

/** The article may be missing: “great gatsby” is the whole title of “The Great Gatsby”. */
function isWholeTitle(title: string, phrase: string): boolean {
  const start = ` ${phrase} |`;
  const at = title.indexOf(start);
  return at === 0 || (at > 0 && isArticle(title.slice(1, at)));
}

/** Returns a check whether a book matches all slots, each in its field. */
export function slotsCheck(slots: readonly Slot[]): (book: RankedBook) => boolean {
  const prepared = slots.map(needlesOf);
  return (book) => prepared.every((slot) => bestAlternative(book, slot).best !== null);
}

/** The words of a reading as the book spells them, separated by one space: what the reader perhaps meant. */
export function spellingIn(book: RankedBook, reading: Reading): string {
  return reading.slots
    .map((slot) => {
      const { best, at } = bestAlternative(book, needlesOf(slot));
      const alternative = slot.alternatives[Math.max(0, at)]!;
      if (best === null || alternative.edits === 0) return slot.typed;
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

type Needle = { readonly whole: string; readonly start: string; readonly prefix: boolean };
type Needles = {
  readonly only: Slot['only'];
  readonly alternatives: readonly {
    readonly needles: readonly Needle[];
    readonly edits: number;
    readonly text: string;
  }[];
};

function needlesOf({ only, alternatives }: Slot): Needles {
  return {
    only,
    alternatives: alternatives.map(({ words, edits }) => ({
      needles: words.map(({ word, prefix }) => ({ whole: ` ${word} `, start: ` ${word}`, prefix })),
      edits,
      text: words.map(({ word }) => word).join(' '),
    })),
  };
}

/** `null` when the book does not match this reading. */
function scoreBook(book: RankedBook, slots: readonly Needles[], reading: Reading): number | null {
  if (reading.whole !== null) return wholePoints(book, reading.whole);
  let matched = 0;
  let edits = 0;
  let inTitle = 0;
  let phrase = '';
  for (const slot of slots) {
    const { best, at } = bestAlternative(book, slot);
    if (best === null) return null;
    const alternative = slot.alternatives[at]!;
    matched += best - alternative.edits * points.edit;
    edits += alternative.edits;
    for (const { whole } of alternative.needles) inTitle += Number(book.title.includes(whole));
    phrase += phrase === '' ? alternative.text : ` ${alternative.text}`;
  }
  const inOrder = phrasePoints(book, reading.phrase ?? phrase);
  const inAnyOrder = inTitle > 1 && inTitle >= book.mainTitleWords ? points.allOfTitle : 0;
  return book.popularityPoints + matched / slots.length + edits * points.edit + Math.max(inOrder, inAnyOrder);
}

/** The points for a title's initials. Nothing else of the book needs to match. */
function wholePoints({ title, popularityPoints }: RankedBook, whole: string): number | null {
  const words = title.slice(1, title.indexOf('|')).trim().split(' ');
  const initials = words.map((word) => word[0] ?? '').join('');
  const isMeant = initials.startsWith(whole) || (isArticle(words[0]!) && initials.startsWith(whole, 1));
  return isMeant ? popularityPoints + points.initials : null;
}

function bestAlternative(book: RankedBook, { alternatives, only }: Needles): { best: number | null; at: number } {
  let best: number | null = null;
  let at = -1;
  for (const [index, { needles, edits }] of alternatives.entries()) {
    let worth: number | null = null;
    for (const needle of needles) {
      const found = wordPoints(book, needle, only);
      if (found === null) {
        worth = null;
        break;
      }
      worth = worth === null ? found : Math.min(worth, found);
    }
    if (worth === null) continue;
    if (needles.length > 1 && !book.title.includes(needles.map(({ start }) => start).join(''))) worth -= 3;
    worth += edits * points.edit;
    if (best === null || worth > best) {
      best = worth;
      at = index;
    }
  }
  return { best, at };
}

const anyField: readonly Field[] = ['title', 'author', 'otherTitles', 'series', 'subjects'];
const authorField: readonly Field[] = ['author'];

function wordPoints(book: RankedBook, needle: Needle, only: Slot['only']): number | null {
  let best: number | null = null;
  for (const field of only === 'author' ? authorField : anyField) {
    const worth = points[field];
    if (best !== null && worth <= best) continue;
    const found = fieldPoints(book[field], worth, needle);
    if (found !== null && (best === null || found > best)) best = found;
  }
  return best;
}

/** The points for a word in this field; `null` when it is not there. */
function fieldPoints(text: string, worth: number, { whole, start, prefix }: Needle): number | null {
  const at = text.indexOf(prefix ? start : whole);
  if (at < 0) return null;
  if (!prefix) return worth;
  const isWhole = text.startsWith(whole, at) || text.includes(whole, at + 1);
  return worth + (isWhole ? 0 : points.unfinished);
}

function phrasePoints({ title, mainTitleWords, author, otherTitles }: RankedBook, phrase: string): number {
  const start = ` ${phrase}`;
  const at = title.indexOf(start);
  if (author.startsWith(`${start} |`)) return points.wholeAuthor;
  if (at < 0) {
    if (otherTitles.includes(`${start} `)) return points.titleStart;
    return author.includes(`${start} `) ? points.authorPhrase : 0;
  }
  if (isMainTitle(title, mainTitleWords, start, at)) return points.wholeTitle;
  if (at === 0 || isArticle(title.slice(1, at))) {
    const share = (at + start.length) / title.indexOf('|');
    return points.titleStart + points.longerStart * Math.min(4, countSpaces(start) - 1) + points.shareOfTitle * share;
  }
  return author.includes(`${start} `) ? points.authorPhrase : points.titlePhrase;
}

function isMainTitle(title: string, mainTitleWords: number, start: string, at: number): boolean {
  const end = at + start.length;
  if (title.charCodeAt(end) !== space) return false;
  const article = at === 0 ? 0 : 1;
  if (article === 1 && !isArticle(title.slice(1, at))) return false;
  return title.charCodeAt(end + 1) === bar || countSpaces(start) + article === mainTitleWords;
}

const space = 32;
const bar = 124;

function countSpaces(text: string): number {
  let count = 0;
  for (let at = text.indexOf(' '); at >= 0; at = text.indexOf(' ', at + 1)) count++;
  return count;
}
