import { titleMarks, titleOrder, yearMarks } from '../index/book-row.ts';
import type { BookFacts, FactConditions, IndexReader } from '../index/read-index.ts';

/** Up to this many matches are read and sorted. With more, the index is asked for the first ones in the order. */
const sortedMatches = 20_000;
/** No page goes further than this. */
const mostPlaces = 1_000;

type Order = 'newest' | 'oldest' | 'title';

/**
 * The first thousand of all matches in an order. Books without a year come last in both directions. Books of one year
 * or title stay in order of popularity.
 */
export function sortedPlaces(
  index: IndexReader,
  expression: string,
  conditions: FactConditions,
  isMet: (book: BookFacts) => boolean,
  order: Order,
): readonly number[] {
  const read = (asked: string): readonly BookFacts[] => index.facts(asked, conditions, sortedMatches).filter(isMet);
  const isMany = expression === '' ? index.count() > mostPlaces : index.hasMoreThan(expression, sortedMatches);
  if (!isMany) return sortBooks(read(expression), order).slice(0, mostPlaces).map(placeOfBook);
  const marks = index.sortMarks(order === 'title' ? titleMarks : yearMarks);
  const found: number[] = [];
  for (const mark of order === 'newest' ? marks.toReversed() : marks) {
    const asked = expression === '' ? `"${mark}"` : `(${expression}) AND "${mark}"`;
    found.push(...sortBooks(read(asked), order).map(placeOfBook));
    if (found.length >= mostPlaces) return found.slice(0, mostPlaces);
  }
  if (order === 'title') return found;
  const undated = read(expression).filter(({ year }) => year === null);
  return [...found, ...undated.map(placeOfBook)].slice(0, mostPlaces);
}

/** Sorts books that come in order of popularity. */
export function sortBooks(books: readonly BookFacts[], order: Order): readonly BookFacts[] {
  return order === 'title' ? byTitle(books) : byYear(books, order);
}

function placeOfBook({ place }: BookFacts): number {
  return place;
}

function byYear(books: readonly BookFacts[], order: 'newest' | 'oldest'): readonly BookFacts[] {
  const sign = order === 'newest' ? -1 : 1;
  const yearOf = ({ year }: BookFacts): number => (year === null ? Number.POSITIVE_INFINITY : sign * year);
  return [...books].sort((a, b) => (yearOf(a) < yearOf(b) ? -1 : Number(yearOf(a) > yearOf(b))));
}

function byTitle(books: readonly BookFacts[]): readonly BookFacts[] {
  return books
    .map((book) => ({ book, order: titleOrder(book.title) }))
    .sort((a, b) => (a.order < b.order ? -1 : Number(a.order > b.order)))
    .map(({ book }) => book);
}
