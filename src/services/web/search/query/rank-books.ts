import type { QueryWord } from './parse-query.ts';

/**
 * What ranking looks at. Texts are words as `cutWords` gives them, each between spaces: first the text's own words, then
 * `|`, then its extra spellings: ` spider man | spiderman `. A field without words is `''`.
 */
export type RankedBook = {
  readonly id: number;
  /** log₂(1 + popularity). */
  readonly popularityPoints: number;
  readonly title: string;
  /** How many words the title has before a subtitle or series. */
  readonly mainTitleWords: number;
  readonly author: string;
  readonly series: string;
  readonly subjects: string;
};

/**
 * What a match is worth. The unit is one doubling of popularity: a book with a bonus of 3 stands level with one read by
 * eight times as many. Title and author weigh the same, because a heavier title would put books *about* Tolkien first.
 */
const points = {
  title: 4,
  author: 4,
  series: 3,
  subjects: 0,
  /** Instead of a whole word only the beginning of one matched. */
  unfinished: -1.5,
  /** The title, or all of it before a subtitle, is what was typed. */
  wholeTitle: 8,
  titleStart: 4,
  /** The words stand together in the title, in the order typed. */
  titlePhrase: 1.5,
  authorPhrase: 3,
} as const;

/** The books best first; equal ones by id. All of them are taken to match. */
export function rankBooks(
  books: readonly RankedBook[],
  phrase: string,
  words: readonly QueryWord[],
): readonly RankedBook[] {
  if (books.length < 2) return books;
  const needles = words.map(needleOf);
  return books
    .map((book) => ({ book, score: scoreBook(book, needles, phrase) }))
    .sort((a, b) => b.score - a.score || a.book.id - b.book.id)
    .map(({ book }) => book);
}

type Needle = { readonly whole: string; readonly start: string; readonly only: QueryWord['only'] };

function needleOf({ word, only }: QueryWord): Needle {
  return { whole: ` ${word} `, start: ` ${word}`, only };
}

function scoreBook(book: RankedBook, needles: readonly Needle[], phrase: string): number {
  let matched = 0;
  for (const needle of needles) matched += wordPoints(book, needle);
  return book.popularityPoints + matched / needles.length + phrasePoints(book, phrase);
}

function wordPoints({ title, author, series, subjects }: RankedBook, needle: Needle): number {
  const { only } = needle;
  let best = Number.NEGATIVE_INFINITY;
  if (only === null) best = fieldPoints(best, title, points.title, needle);
  if (only !== 'subjects') best = fieldPoints(best, author, points.author, needle);
  if (only === null) best = fieldPoints(best, series, points.series, needle);
  if (only !== 'author') best = fieldPoints(best, subjects, points.subjects, needle);
  return best === Number.NEGATIVE_INFINITY ? points.unfinished : best;
}

/** The better of what was found so far and what a word is worth in this field. */
function fieldPoints(best: number, text: string, worth: number, { whole, start }: Needle): number {
  if (worth <= best) return best;
  const at = text.indexOf(start);
  if (at < 0) return best;
  const isWhole = text.startsWith(whole, at) || text.includes(whole, at + 1);
  return Math.max(best, worth + (isWhole ? 0 : points.unfinished));
}

function phrasePoints({ title, mainTitleWords, author }: RankedBook, phrase: string): number {
  const start = ` ${phrase}`;
  const at = title.indexOf(start);
  if (at < 0) return author.includes(start) ? points.authorPhrase : 0;
  if (isWholeTitle(title, mainTitleWords, start, at)) return points.wholeTitle;
  if (at === 0 || isArticle(title.slice(1, at))) return points.titleStart;
  return Math.max(points.titlePhrase, author.includes(start) ? points.authorPhrase : 0);
}

/** Also without its article: “great gatsby” is the whole of “The Great Gatsby”. */
function isWholeTitle(title: string, mainTitleWords: number, start: string, at: number): boolean {
  const end = at + start.length;
  if (title.charCodeAt(end) !== space) return false;
  const article = at === 0 ? 0 : 1;
  if (article === 1 && !isArticle(title.slice(1, at))) return false;
  return title.charCodeAt(end + 1) === bar || countSpaces(start) + article === mainTitleWords;
}

const space = 32;
const bar = 124;

function isArticle(word: string): boolean {
  return word === 'the' || word === 'a' || word === 'an';
}

function countSpaces(text: string): number {
  let count = 0;
  for (let at = text.indexOf(' '); at >= 0; at = text.indexOf(' ', at + 1)) count++;
  return count;
}
