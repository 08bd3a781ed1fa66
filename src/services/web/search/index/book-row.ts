import { listedBook, type Book } from '../../../../events/book.ts';
import { hashText } from '../../../../runtime/hash-text.ts';
import { authorKey, authorKeys, toIsbn13, languageOf, splitAuthors } from '../../../../text/authors-and-isbn.ts';
import { isArticle, withoutArticle } from '../../../../text/english-words.ts';
import { countingKey, cutWords, wholeWords } from '../../../../text/words.ts';

/** A book as the index keeps it. Texts are as written, except `titleWords`, which is an `indexText`. */
export type BookRow = {
  readonly title: string;
  readonly titleWords: string;
  /** How many words the title has before a subtitle or series. */
  readonly mainTitleWords: number;
  readonly author: string;
  readonly series: string | null;
  /** Each on its own line. */
  readonly subjects: string | null;
  readonly otherTitles: string | null;
  /** The language alone, in lower case: `en` for `en-GB`. */
  readonly language: string | null;
  readonly year: number | null;
  /** ISBN-13 as a number. */
  readonly isbn: number | null;
};

export function bookRow(book: Book): BookRow {
  const isbn = toIsbn13(book.isbn ?? '');
  const titleWords = indexText(book.title);
  const main = mainTitle(book.title);
  return {
    title: book.title,
    titleWords,
    mainTitleWords: main.length === book.title.length ? ownWords(titleWords) : ownWords(indexText(main)),
    author: book.author,
    series: book.series || null,
    subjects: lines(book.subjects),
    otherTitles: lines(book.other_titles),
    language: book.language ? languageOf(book.language) : null,
    year: yearOf(book.published_at ?? ''),
    isbn: isbn === null ? null : Number(isbn),
  };
}

/** The JSON of the book as lists and events carry it. */
export function listedJson(book: Book): Uint8Array {
  return Buffer.from(JSON.stringify(listedBook(book)));
}

/**
 * The words of a text, each between spaces: its own words, then `|`, then extra spellings, as in ` spider man |
 * spiderman `. `''` for a text without words.
 */
export function indexText(text: string): string {
  let own = '';
  let extra = '';
  for (const cut of cutWords(text)) {
    if (cut.extra) extra += ` ${cut.word}`;
    else own += ` ${cut.word}`;
  }
  return own === '' ? '' : `${own} |${extra} `;
}

function ownWords(indexed: string): number {
  let count = 0;
  for (let at = 0; at >= 0 && indexed[at + 1] !== '|' && indexed !== ''; at = indexed.indexOf(' ', at + 1)) count++;
  return count;
}

/** Where the first words of an indexed text end. */
function endOfWords(indexed: string, count: number): number {
  let end = 0;
  for (let left = count; left > 0; left--) end = indexed.indexOf(' ', end + 1);
  return end;
}

/** All words that the book is found by, without its marks. */
export function searchWords(row: BookRow): readonly string[] {
  const words = new Set(row.titleWords.split(' ').filter((word) => word !== '' && word !== '|'));
  for (const text of [row.author, row.series, row.subjects, row.otherTitles]) {
    if (text !== null && text !== '') for (const { word } of cutWords(text)) words.add(word);
  }
  return [...words];
}

/** All words that the lists of words find the book by: also the mark of its first word. */
export function wordsAndStart(row: BookRow): readonly string[] {
  const words = searchWords(row);
  const start = startMarkOf(row.titleWords);
  return start === null ? words : [...words, start];
}

/**
 * Marks are words of the index that no query can contain. One mark finds books whose whole title or author is the
 * query, even unpopular ones. Others find the books of a year, and books whose titles sort together.
 */
export function marksOf(row: BookRow): readonly string[] {
  const marks = new Set([titleMark(row.title)]);
  const titles = [row.title, mainTitle(row.title), ...(row.otherTitles?.split('\n') ?? [])];
  for (const title of titles) {
    const key = countingKey(title);
    if (key.split(' ').length <= wholeWordsAtMost) marks.add(wholeMark(withoutArticle(key)));
    const initials = initialsOf(title);
    if (initials !== null) marks.add(wholeMark(initials));
  }
  for (const initials of row.series === null ? [] : initialsOfSeries(indexText(row.series)))
    marks.add(wholeMark(initials));
  for (const author of authorKeys(row.author)) marks.add(wholeMark(author));
  if (row.year !== null) marks.add(yearMark(row.year));
  return [...marks];
}

/** Longer titles need no mark: so many words are rarely in more books than are ranked. */
export const wholeWordsAtMost = 4;

/** The mark of a text that is folded by `countingKey` and has no article. */
export function wholeMark(key: string): string {
  return `#w${(hashText(key) >>> 0).toString(36)}`;
}

/**
 * The mark of titles that begin with this word, or have only an article before it; `null` without words.
 * @param words one space between them, and one before or none.
 */
export function startMarkOf(words: string): string | null {
  const first = /^ ?(?:(?:the|an?) (?=[^ |]))?([^ |]+)/.exec(words)?.[1];
  return first === undefined ? null : `^${first}`;
}

export const yearMarks = '#y';

/** Sorts like the years, also those before our era. */
export function yearMark(year: number): string {
  return `${yearMarks}${String(year + 1_000_000).padStart(7, '0')}`;
}

export const titleMarks = '#t';

/** All titles with one mark sort before all titles with a greater mark. */
export function titleMark(title: string): string {
  const start = Array.from(titleOrder(title)).slice(0, 3);
  return titleMarks + start.map((character) => (/[\p{L}\p{N}\p{M}]/u.test(character) ? character : '+')).join('');
}

/** The text by which titles are sorted: without article, case and diacritics; numbers sort by value. */
export function titleOrder(title: string): string {
  const words = wholeWords(title);
  const key = words.length > 0 ? withoutArticle(words.join(' ')) : '';
  return key.replaceAll(/\d+/g, (digits) => {
    const number = digits.replace(/^0+(?=\d)/, '');
    return `${String.fromCharCode(47 + Math.min(number.length, 10))}${number}`;
  });
}

/** The part of a title before a subtitle or series. */
function mainTitle(title: string): string {
  const end = title.search(/\s*[(:;[]|\s[-–—]\s/);
  return end > 0 ? title.slice(0, end) : title;
}

/** “lotr” for The Lord of the Rings; `null` for titles of fewer than three or more than six words. */
function initialsOf(title: string): string | null {
  const words = withoutArticle(countingKey(title)).split(' ');
  if (words.length < 3 || words.length > 6) return null;
  return words.map((word) => word[0]!).join('');
}

/**
 * The words of a series without its numbers.
 * @param indexed an `indexText`.
 */
export function wordsOfSeries(indexed: string): readonly string[] {
  return indexed
    .slice(1, indexed.indexOf(' |'))
    .split(' ')
    .filter((word) => !/\d/.test(word));
}

/** “hp” for Harry Potter; “asoiaf” and “soiaf” for A Song of Ice and Fire; none for a series of one word. */
export function initialsOfSeries(indexed: string): readonly string[] {
  const words = wordsOfSeries(indexed);
  const initials = words.map((word) => word[0]).join('');
  const ways = isArticle(words[0] ?? '') ? [initials, initials.slice(1)] : [initials];
  return ways.filter((way) => way.length > 1);
}

export type FacetFacts = Pick<BookRow, 'author' | 'subjects' | 'language'>;

/** What is counted in facets. Values with one key are the same in other spellings. */
export const facetKinds = {
  author: { valuesOf: (row: FacetFacts) => splitAuthors(row.author), keyOf: authorKey },
  subject: { valuesOf: subjectsOf, keyOf: countingKey },
  language: {
    valuesOf: ({ language }: FacetFacts) => (language === null ? [] : [language]),
    keyOf: (language: string) => language,
  },
};

export type FacetKind = keyof typeof facetKinds;

export function subjectsOf({ subjects }: Pick<BookRow, 'subjects'>): readonly string[] {
  return subjects === null ? [] : subjects.split('\n');
}

function lines(texts: readonly string[] | undefined): string | null {
  if (texts === undefined || texts.length === 0) return null;
  return texts.map((text) => text.replaceAll('\n', ' ')).join('\n');
}

function yearOf(publishedAt: string): number | null {
  const year = /^-?\d{1,6}/.exec(publishedAt)?.[0];
  return year === undefined ? null : Number(year);
}

/** What ranking needs of a book. Texts are as `indexText` returns them. */
export type RankedBook = {
  readonly id: number;
  readonly place: number;
  /** log₂(1 + popularity), to a sixteenth. */
  readonly popularityPoints: number;
  readonly title: string;
  /** How many words the title has before a subtitle or series. */
  readonly mainTitleWords: number;
  /** Where they end in `title`. */
  readonly mainTitleEnd: number;
  readonly author: string;
  readonly series: string;
  readonly subjects: string;
  readonly otherTitles: string;
};

/** What ranking needs of a row. */
export type RankedRow = Pick<
  BookRow,
  'titleWords' | 'mainTitleWords' | 'author' | 'series' | 'subjects' | 'otherTitles'
>;

export function rankedBook(place: number, row: RankedRow): RankedBook {
  return {
    id: bookAt(place),
    place,
    popularityPoints: popularityPointsAt(place),
    title: row.titleWords,
    mainTitleWords: row.mainTitleWords,
    mainTitleEnd: endOfWords(row.titleWords, row.mainTitleWords),
    author: indexText(row.author),
    series: row.series === null ? '' : indexText(row.series),
    subjects: row.subjects === null ? '' : indexText(row.subjects),
    otherTitles: row.otherTitles === null ? '' : indexText(row.otherTitles),
  };
}

/**
 * A book's rowid in the index. A more popular book has a smaller one, so that matches are read most popular first
 * without sorting. Below 2^52, so it is exact as a number.
 */
export function placeOf(bookId: number, popularity: number): number {
  return (lastBucket - popularityBucket(popularity)) * bucketSize + bookId;
}

export function bookAt(place: number): number {
  return place - Math.floor(place / bucketSize) * bucketSize;
}

/** log₂(1 + popularity) of the book at a place, to a sixteenth. */
export function popularityPointsAt(place: number): number {
  return (lastBucket - Math.floor(place / bucketSize)) / 16;
}

/** The first place in the bucket of this place: books of nearly the same popularity, `bucketSize` places. */
export function bucketStart(place: number): number {
  return Math.floor(place / bucketSize) * bucketSize;
}

/** Sixteen steps per doubling: a book moves only when its readers have grown by about 4 %. */
function popularityBucket(popularity: number): number {
  return Math.min(lastBucket, Math.floor(16 * Math.log2(1 + popularity)));
}

export const bucketSize = 2 ** 32;
const lastBucket = 2 ** 20 - 1;

/** Greater ids have no place. */
export const largestBookId = bucketSize - 1;
