import type { StatementSync } from 'node:sqlite';
import { openSqlite } from '../../../../sqlite/connection.ts';
import { createLruMap, type LruMap } from '../../../../runtime/lru-map.ts';
import { bookAt } from './book-place.ts';
import { matchExpression, type QueryWord } from '../query/parse-query.ts';
import type { RankedBook } from '../query/rank-books.ts';
import { createFactReader, type ReadFacts } from './read-facts.ts';
import { searchIndexSchema, type WrittenBooks } from './index-file.ts';

/**
 * The search index as a request thread sees it: its own connection, reading only. Ids come most popular first.
 * Expressions are those of `matchExpression`; `''` stands for all books, except in `match`.
 */
export type IndexReader = {
  /** Places of books that have these words, the most popular first, no more of them than `mostCounted`. */
  readonly places: (words: readonly QueryWord[]) => readonly number[];
  readonly match: (expression: string, limit: number, offset: number) => readonly number[];
  /** All books, counted no further than `mostCounted`. */
  readonly count: () => number;
  /** Whether there are more than so many. */
  readonly hasMoreThan: (expression: string, count: number) => boolean;
  /** By exact popularity, where `match` is only about right; equal ones by id. */
  readonly mostPopular: (limit: number, offset: number) => readonly number[];
  readonly byIsbn: (isbn13: string) => number | null;
  readonly facts: ReadFacts;
  /** Books that are gone by now are left out. */
  readonly ranked: (ids: readonly number[]) => readonly RankedBook[];
  /** The JSON of each book, in this order; books that are gone by now are left out. */
  readonly listed: (ids: readonly number[]) => readonly Uint8Array[];
  /** To be told about everything written: it is read again. */
  readonly forget: (books: WrittenBooks) => void;
  readonly close: () => void;
};

/** Where `count` and `places` stop: a thousand and something. */
export const mostCounted = 1_001;

/** About 0.5 KB each. */
const rememberedRanked = 10_000;
const rememberedListedBytes = 8 << 20;
/** What a short text takes all the same. */
const bytesPerListed = 200;
/** In numbers of 8 bytes; what an expression of some words takes without its places counts as 60 of them. */
const rememberedPlaces = 1_500_000;
const placesPerExpression = 60;

const rankedColumns = 'id, log2(1 + popularity), title, main_title_words, author, series, subjects';

type Row = readonly (string | number | null | Uint8Array)[];

export function openIndexForReading(path: string): IndexReader {
  const database = openSqlite(path, {
    ...searchIndexSchema,
    busyTimeoutMs: 50,
    checkpointedElsewhere: true,
    cacheKiB: 16_384,
  });
  const prepare = (sql: string): StatementSync => {
    const statement = database.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  };
  const matching = prepare('SELECT rowid FROM book_text WHERE book_text MATCH ? ORDER BY rowid LIMIT ? OFFSET ?');
  const counting = prepare('SELECT count(*) FROM (SELECT 1 FROM book_text WHERE book_text MATCH ? LIMIT ?)');
  const countingAll = prepare('SELECT count(*) FROM (SELECT 1 FROM book WHERE place IS NOT NULL LIMIT ?)');
  const popular = prepare('SELECT id FROM book WHERE place IS NOT NULL ORDER BY popularity DESC, id LIMIT ? OFFSET ?');
  const isbn = prepare('SELECT id FROM book WHERE isbn = ? AND place IS NOT NULL ORDER BY popularity DESC, id LIMIT 1');
  const rank = prepare(`SELECT ${rankedColumns} FROM book WHERE id = ? AND place IS NOT NULL`);
  const list = prepare('SELECT json FROM listed WHERE id = ?');

  const ranked = createLruMap<number, RankedBook>(rememberedRanked);
  const listed = createLruMap<number, Uint8Array>(
    rememberedListedBytes,
    ({ byteLength }) => bytesPerListed + byteLength,
  );
  let counted: number | null = null;
  let places = createPlaces();

  const countTo = (expression: string, limit: number): number =>
    (expression === '' ? row(countingAll, limit) : row(counting, expression, limit))![0] as number;
  const loadRanked = (id: number): RankedBook | undefined => {
    const found = row(rank, id);
    if (found === undefined) return undefined;
    const book = decodeRanked(found);
    ranked.set(id, book);
    return book;
  };
  const loadListed = (id: number): Uint8Array | undefined => {
    const json = row(list, id)?.[0] as Uint8Array | undefined;
    if (json !== undefined) listed.set(id, json);
    return json;
  };

  const loadPlaces = (expression: string): readonly number[] => {
    const found = rows(matching, expression, mostCounted, 0).map(([place]) => place as number);
    places.set(expression, found);
    return found;
  };

  return {
    places: (words) => {
      const expression = matchExpression(words);
      return places.get(expression) ?? loadPlaces(expression);
    },
    match: (expression, limit, offset) =>
      rows(matching, expression, limit, offset).map(([place]) => bookAt(place as number)),
    count: () => (counted ??= countTo('', mostCounted)),
    hasMoreThan: (expression, count) => countTo(expression, count + 1) > count,
    mostPopular: (limit, offset) => rows(popular, limit, offset).map(([id]) => id as number),
    byIsbn: (isbn13) => (row(isbn, isbn13)?.[0] as number | undefined) ?? null,
    facts: createFactReader(prepare),
    ranked: (ids) => {
      const books: RankedBook[] = [];
      for (const id of ids) {
        const book = ranked.get(id) ?? loadRanked(id);
        if (book !== undefined) books.push(book);
      }
      return books;
    },
    listed: (ids) => {
      const json: Uint8Array[] = [];
      for (const id of ids) {
        const bytes = listed.get(id) ?? loadListed(id);
        if (bytes !== undefined) json.push(bytes);
      }
      return json;
    },
    forget: ({ bookIds, moved }) => {
      if (moved) {
        counted = null;
        places = createPlaces();
      }
      for (const id of bookIds) {
        ranked.delete(id);
        listed.delete(id);
      }
    },
    close: database.close,
  };
}

function createPlaces(): LruMap<string, readonly number[]> {
  return createLruMap(rememberedPlaces, ({ length }) => placesPerExpression + length);
}

function rows(statement: StatementSync, ...values: (string | number | null)[]): readonly Row[] {
  return statement.all(...values) as unknown as readonly Row[];
}

function row(statement: StatementSync, ...values: (string | number | null)[]): Row | undefined {
  return statement.get(...values) as unknown as Row | undefined;
}

function decodeRanked([id, popularityPoints, title, mainTitleWords, author, series, subjects]: Row): RankedBook {
  return { id, popularityPoints, title, mainTitleWords, author, series, subjects } as RankedBook;
}
