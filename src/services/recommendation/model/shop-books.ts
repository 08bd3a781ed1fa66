import type { Book } from '../../../events/book.ts';
import { createLruMap } from '../../../runtime/lru-map.ts';
import { authorKeys } from '../../../text/authors-and-isbn.ts';
import { createLists, createStrongest, grown, type Lists } from './by-number.ts';
import { createContentIndex, type Neighbours } from './content-neighbours.ts';
import type { ReaderCounts } from './reader-counts.ts';
import { seriesPlace, type SeriesPlace, createWorks } from './works.ts';

/** The title and author of a book, as shown to readers. */
export type BookTitle = { readonly title: string; readonly author: string };

/** The books that the shop has now, by the numbers that `ReaderCounts` gives them. */
export type ShopBooks = {
  /** Adds a book, replaces it, or takes it out with `null`. @returns as `Works.put`. */
  readonly put: (number: number, book: Book | null) => ReadonlyMap<number, number>;
  readonly bookOf: (number: number) => BookTitle | null;
  /** Numbers of `authorKeys` by book; none for a book without an author, or that is not there. */
  readonly authors: Pick<Lists, 'some' | 'each'>;
  readonly languageOf: (number: number) => string | null;
  readonly placeOf: (number: number) => SeriesPlace | null;
  readonly editionsOf: (number: number) => readonly number[];
  /** The most popular edition of a work, in this language if there is one; −1 when the shop has no edition any more. */
  readonly editionOf: (work: number, language: string | null) => number;
  /** Books with similar texts; ties by id. */
  readonly neighbours: (number: number) => Neighbours;
  /** The books of a series, by the numbers of the volumes. */
  readonly seriesOf: (series: string) => ReadonlyMap<number, ReadonlySet<number>>;
  /** The most popular books according to the catalogue; ties by id. */
  readonly mostPopular: () => readonly number[];
  readonly size: () => number;
};

const neighboursKept = 24;
const rememberedNeighbours = 10_000;
const popularKept = 200;
const noVolumes: ReadonlyMap<number, ReadonlySet<number>> = new Map();

type ShopBook = BookTitle & {
  readonly popularity: number;
  readonly place: SeriesPlace | null;
};

/** @param counts number the books. */
export function createShopBooks({ orderOf }: Pick<ReaderCounts, 'orderOf'>): ShopBooks {
  const books: (ShopBook | null)[] = [];
  /** Whether a book is the only edition of its work: most are. */
  let isAlone = new Uint8Array(1_024);
  /** The language of each book, numbered from 1. */
  let languages = new Int32Array(1_024);
  const languageNames: (string | null)[] = [null];
  let size = 0;
  const authors = createLists();
  const authorNumbers = new Map<string, number>();
  const works = createWorks(orderOf);
  const content = createContentIndex(orderOf);
  const series = new Map<string, Map<number, Set<number>>>();
  const near = createLruMap<number, Neighbours>(rememberedNeighbours);
  let popular: readonly number[] | null = null;

  const authorNumber = (key: string): number => {
    const known = authorNumbers.get(key) ?? authorNumbers.size;
    authorNumbers.set(key, known);
    return known;
  };
  const leaveSeries = (number: number): void => {
    const place = books[number]?.place;
    if (place) series.get(place.series)?.get(place.number)?.delete(number);
  };
  const enterSeries = (number: number, place: SeriesPlace): void => {
    const volumes = series.get(place.series) ?? new Map<number, Set<number>>();
    volumes.set(place.number, (volumes.get(place.number) ?? new Set()).add(number));
    series.set(place.series, volumes);
  };
  const languageOf = (number: number): string | null => languageNames[languages[number] ?? 0]!;
  const comesFirst = (one: number, other: number): boolean => orderOf(one) < orderOf(other);
  const popularityOf = (number: number): number => books[number]!.popularity;
  const findPopular = (): readonly number[] => {
    const strongest = createStrongest(popularKept, comesFirst);
    for (const [number, book] of books.entries()) if (book) strongest.offer(number, book.popularity);
    return [...strongest.works()].sort(
      (one, other) => popularityOf(other) - popularityOf(one) || orderOf(one) - orderOf(other),
    );
  };

  return {
    put: (number, book) => {
      popular = null;
      near.clear();
      content.put(number, book);
      leaveSeries(number);
      // Fills the holes, because V8 turns an array with large holes into a slow hash table.
      while (books.length < number) books.push(null);
      if (books[number]) size--;
      if (book === null) {
        books[number] = null;
        authors.put(number, []);
        languages[number] = 0;
      } else {
        const { title, author, popularity = 0, language = null } = book;
        const place = seriesPlace(book);
        books[number] = { title, author, popularity, place };
        if (!languageNames.includes(language)) languageNames.push(language);
        if (number >= languages.length) languages = grown(languages, number + 1);
        languages[number] = languageNames.indexOf(language);
        authors.put(number, authorKeys(author).map(authorNumber));
        size++;
        if (place !== null) enterSeries(number, place);
      }
      const changed = works.put(number, book);
      for (const one of changed.keys()) {
        if (one >= isAlone.length) isAlone = grown(isAlone, one + 1);
        isAlone[one] = works.editionsOf(one).length === 1 ? 1 : 0;
      }
      return changed;
    },
    bookOf: (number) => books[number] ?? null,
    authors,
    languageOf,
    placeOf: (number) => books[number]?.place ?? null,
    editionsOf: works.editionsOf,
    editionOf: (work, language) => {
      if (isAlone[work] === 1) return content.has(work) ? work : -1;
      const rank = (number: number): number => (language !== null && languageOf(number) === language ? 1 : 0);
      return works
        .editionsOf(work)
        .filter(content.has)
        .reduce(
          (best, one) =>
            best === -1 || (rank(one) - rank(best) || popularityOf(one) - popularityOf(best)) > 0 ? one : best,
          -1,
        );
    },
    neighbours: (number) => {
      let found = near.get(number);
      if (found === undefined) {
        found = content.neighbours(number, neighboursKept);
        near.set(number, found);
      }
      return found;
    },
    seriesOf: (name) => series.get(name) ?? noVolumes,
    mostPopular: () => {
      popular ??= findPopular();
      return popular;
    },
    size: () => size,
  };
}
