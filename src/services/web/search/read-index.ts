import type { StatementSync } from 'node:sqlite';
import { openSqlite } from '../../../database/sqlite-database.ts';
import { deadLetterDecisions } from '../../../database/sqlite-dead-letters.ts';
import { progressSchema } from '../../../database/sqlite-progress.ts';
import { bookAt } from './book-place.ts';
import type { RankedBook } from './rank-books.ts';
import { createRecentMap } from '../../../events/recent-map.ts';
import { searchIndexSchema } from './search-index.sqlite.ts';

/** What filters, facets and sorting look at. */
export type BookFacts = {
  readonly id: number;
  /** As shown. */
  readonly authors: readonly string[];
  readonly subjects: readonly string[];
  readonly language: string | null;
  readonly year: number | null;
};

/** Conditions on whole books, checked where the rows are read. */
export type FactConditions = {
  readonly language: string | null;
  readonly from: number | null;
  readonly to: number | null;
};

/**
 * The search index as a request thread sees it: its own connection, reading only. Ids come most popular first.
 * Expressions are those of `matchExpression`; `''` stands for all books, except in `match`.
 */
export type IndexReader = {
  readonly match: (expression: string, limit: number, offset: number) => readonly number[];
  /** Counts no further than `mostCounted`. */
  readonly count: (expression: string) => number;
  /** Whether there are more than so many. */
  readonly hasMoreThan: (expression: string, count: number) => boolean;
  /** By exact popularity, where `match` is only about right; equal ones by id. */
  readonly mostPopular: (limit: number, offset: number) => readonly number[];
  readonly byIsbn: (isbn13: string) => number | null;
  /** Of books that meet the conditions, among the first `scanned` matches. */
  readonly facts: (
    expression: string,
    conditions: FactConditions,
    limit: number,
    scanned: number,
  ) => readonly BookFacts[];
  /** Books that are gone by now are left out. */
  readonly ranked: (ids: readonly number[]) => readonly RankedBook[];
  /** The JSON of each book, in this order; books that are gone by now are left out. */
  readonly listed: (ids: readonly number[]) => readonly Uint8Array[];
  /** To be told about every change: these books are read again. */
  readonly forget: (ids: readonly number[]) => void;
  readonly close: () => void;
};

/** Where `count` stops: a thousand and something. */
export const mostCounted = 1_001;

/** About 0.5 KB each. */
const rememberedRanked = 10_000;
/** About 1 KB each. */
const rememberedListed = 4_000;
const rememberedCounts = 5_000;

const rankedColumns = 'id, log2(1 + popularity), title, main_title_words, author, series, subjects';

type Row = readonly (string | number | null | Uint8Array)[];

export function openIndexForReading(path: string): IndexReader {
  const database = openSqlite(path, {
    migrations: [progressSchema, searchIndexSchema, deadLetterDecisions],
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
  const factsOf = factStatements(prepare);

  const ranked = createRecentMap<number, RankedBook>(rememberedRanked);
  const listed = createRecentMap<number, Uint8Array>(rememberedListed);
  let counts = createRecentMap<string, number>(rememberedCounts);

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

  return {
    match: (expression, limit, offset) =>
      rows(matching, expression, limit, offset).map(([place]) => bookAt(place as number)),
    count: (expression) => {
      let counted = counts.get(expression);
      if (counted === undefined) {
        counted = countTo(expression, mostCounted);
        counts.set(expression, counted);
      }
      return counted;
    },
    hasMoreThan: (expression, count) => countTo(expression, count + 1) > count,
    mostPopular: (limit, offset) => rows(popular, limit, offset).map(([id]) => id as number),
    byIsbn: (isbn13) => (row(isbn, isbn13)?.[0] as number | undefined) ?? null,
    facts: (expression, { language, from, to }, limit, scanned) => {
      const conditions = [language, language, from, from, to, to, limit] as const;
      const found =
        expression === ''
          ? rows(factsOf.all, scanned, ...conditions)
          : rows(factsOf.matching, expression, scanned, ...conditions);
      return found.map(decodeFacts);
    },
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
    forget: (ids) => {
      counts = createRecentMap(rememberedCounts);
      for (const id of ids) {
        ranked.delete(id);
        listed.delete(id);
      }
    },
    close: database.close,
  };
}

function rows(statement: StatementSync, ...values: (string | number | null)[]): readonly Row[] {
  return statement.all(...values) as unknown as readonly Row[];
}

function row(statement: StatementSync, ...values: (string | number | null)[]): Row | undefined {
  return statement.get(...values) as unknown as Row | undefined;
}

function factStatements(prepare: (sql: string) => StatementSync): { matching: StatementSync; all: StatementSync } {
  const columns = 'book.id, shown_authors, shown_subjects, language, year';
  const conditions = '(? IS NULL OR language = ?) AND (? IS NULL OR year >= ?) AND (? IS NULL OR year <= ?) LIMIT ?';
  return {
    matching: prepare(
      `SELECT ${columns} FROM (SELECT rowid AS place FROM book_text WHERE book_text MATCH ? ORDER BY rowid LIMIT ?) AS matched
       CROSS JOIN book ON book.id = matched.place & 4294967295 WHERE ${conditions}`,
    ),
    all: prepare(
      `SELECT ${columns} FROM (SELECT id FROM book WHERE place IS NOT NULL ORDER BY popularity DESC, id LIMIT ?) AS popular
       CROSS JOIN book ON book.id = popular.id WHERE ${conditions}`,
    ),
  };
}

function decodeRanked([id, popularityPoints, title, mainTitleWords, author, series, subjects]: Row): RankedBook {
  return { id, popularityPoints, title, mainTitleWords, author, series, subjects } as RankedBook;
}

function decodeFacts([id, authors, subjects, language, year]: Row): BookFacts {
  return {
    id: id as number,
    authors: lines(authors as string),
    subjects: lines(subjects as string),
    language: language as string | null,
    year: year as number | null,
  };
}

function lines(text: string): readonly string[] {
  return text === '' ? [] : text.split('\n');
}
