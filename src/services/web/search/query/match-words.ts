import { bookAt } from '../index/book-place.ts';
import type { QueryWord } from './parse-query.ts';
import type { RankedBook } from './rank-books.ts';
import { mostCounted, type IndexReader } from '../index/read-index.ts';

export type MatchedBooks = {
  readonly books: readonly RankedBook[];
  /** How many books match in all, as far as `mostCounted`. */
  readonly count: number;
};

/**
 * The first `limit` books that have all words, most popular first. At least one word.
 *
 * Readers put the same words together in ever new ways, so what is remembered is each word's list of places: to go
 * through two of them costs a few microseconds, a statement some fifty. Only where all words are too common for that
 * are they looked for, and remembered, together.
 */
export function matchWords(index: IndexReader, words: readonly QueryWord[], limit: number): MatchedBooks {
  const telling: (readonly number[])[] = [];
  const common: QueryWord[] = [];
  for (const word of words) {
    const places = index.places([word]);
    if (places.length < mostCounted || words.length === 1) telling.push(places);
    else common.push(word);
  }
  if (telling.length > 0) {
    const places = placesInAll(telling);
    const books = index.ranked(places.slice(0, limit).map(bookAt));
    if (common.length === 0) return { books, count: places.length };
    if (places.length < limit) {
      const having = books.filter((book) => common.every((word) => hasWord(book, word)));
      return { books: having, count: having.length };
    }
  }
  const places = index.places(words);
  return { books: index.ranked(places.slice(0, limit).map(bookAt)), count: places.length };
}

/** What is in every one of these rising lists. */
function placesInAll(lists: readonly (readonly number[])[]): readonly number[] {
  const [shortest = [], ...others] = [...lists].sort((a, b) => a.length - b.length);
  let common = shortest;
  for (const list of others) common = placesInBoth(common, list);
  return common;
}

function placesInBoth(few: readonly number[], many: readonly number[]): readonly number[] {
  const both: number[] = [];
  let at = 0;
  for (const place of few) {
    while (at < many.length && many[at]! < place) at++;
    if (many[at] === place) both.push(place);
  }
  return both;
}

/**
 * Places of a word that is in more than a thousand books are not all known, so beside more telling words it is looked
 * for in their books' texts instead.
 */
function hasWord(book: RankedBook, { word, prefix, only }: QueryWord): boolean {
  const needle = prefix ? ` ${word}` : ` ${word} `;
  if (only !== null) return book[only].includes(needle);
  return (
    book.title.includes(needle) ||
    book.author.includes(needle) ||
    book.series.includes(needle) ||
    book.subjects.includes(needle)
  );
}
