import type { Book } from '../../../events/book.ts';
import { createLruMap } from '../../../runtime/lru-map.ts';
import { authorKeys } from '../../../text/fields.ts';
import { createContentIndex, type Neighbour } from './content-neighbours.ts';
import { createStrongest } from './scores.ts';
import { seriesPlace, type SeriesPlace, createWorks } from './works.ts';

export type ShelvedBook = {
  readonly title: string;
  readonly author: string;
  /** `authorKeys` of the author line. */
  readonly authors: readonly string[];
  readonly popularity: number;
  readonly language: string | null;
  readonly place: SeriesPlace | null;
};

/** The books that the shop has now. */
export type Shelf = {
  /** Adds a book, replaces it, or takes it out with `null`. @returns as `Works.put`. */
  readonly put: (bookId: number, book: Book | null) => ReadonlyMap<number, number>;
  readonly bookOf: (bookId: number) => ShelvedBook | null;
  readonly editionsOf: (bookId: number) => readonly number[];
  /** Books with similar texts, best first; ties by id. */
  readonly neighbours: (bookId: number) => readonly Neighbour[];
  /** The books of a series, by their numbers. */
  readonly seriesOf: (series: string) => ReadonlyMap<number, ReadonlySet<number>>;
  /** The most popular books according to the catalogue; ties by id. */
  readonly mostPopular: () => readonly number[];
  readonly size: () => number;
};

const neighboursKept = 24;
const rememberedNeighbours = 10_000;
const popularKept = 200;
const noBooks: ReadonlyMap<number, ReadonlySet<number>> = new Map();

export function createShelf(): Shelf {
  const books = new Map<number, ShelvedBook>();
  const works = createWorks();
  const content = createContentIndex();
  const series = new Map<string, Map<number, Set<number>>>();
  const near = createLruMap<number, readonly Neighbour[]>(rememberedNeighbours);
  let popular: readonly number[] | null = null;

  const leaveSeries = (bookId: number): void => {
    const place = books.get(bookId)?.place;
    if (place) series.get(place.series)?.get(place.number)?.delete(bookId);
  };
  const enterSeries = (bookId: number, { series: name, number }: SeriesPlace): void => {
    const numbers = series.get(name) ?? new Map<number, Set<number>>();
    numbers.set(number, (numbers.get(number) ?? new Set()).add(bookId));
    series.set(name, numbers);
  };

  const findPopular = (): readonly number[] => {
    const ids = [...books.keys()];
    const comesFirst = (one: number, other: number): boolean => ids[one]! < ids[other]!;
    const strongest = createStrongest(popularKept, comesFirst);
    for (const [at, bookId] of ids.entries()) strongest.offer(at, books.get(bookId)!.popularity);
    return Array.from(strongest.works(), (at) => ids[at]!).sort(
      (one, other) => books.get(other)!.popularity - books.get(one)!.popularity || one - other,
    );
  };

  return {
    put: (bookId, book) => {
      popular = null;
      near.clear();
      content.put(bookId, book);
      leaveSeries(bookId);
      if (book === null) {
        books.delete(bookId);
      } else {
        const { title, author, popularity = 0, language = null } = book;
        const place = seriesPlace(book);
        books.set(bookId, { title, author, authors: authorKeys(author), popularity, language, place });
        if (place !== null) enterSeries(bookId, place);
      }
      return works.put(bookId, book);
    },
    bookOf: (bookId) => books.get(bookId) ?? null,
    editionsOf: works.editionsOf,
    neighbours: (bookId) => {
      let found = near.get(bookId);
      if (found === undefined) {
        found = content.neighbours(bookId, neighboursKept);
        near.set(bookId, found);
      }
      return found;
    },
    seriesOf: (name) => series.get(name) ?? noBooks,
    mostPopular: () => {
      popular ??= findPopular();
      return popular;
    },
    size: () => books.size,
  };
}
