import type { StatementSync } from 'node:sqlite';
import { openSqlite } from '../../../../sqlite/connection.ts';
import { createLruMap } from '../../../../runtime/lru-map.ts';
import { slotsExpression, type Slot } from './slots.ts';
import { searchIndexSchema, type WrittenBooks } from './index-file.ts';
import {
  bookAt,
  bucketSize,
  bucketStart,
  rankedBook,
  type FacetFacts,
  type RankedBook,
  type RankedRow,
} from './book-row.ts';
import type { WordData } from './word-data.ts';
import { countValues, createFacetCounts, kinds, type FacetCounts } from './facet-counts.ts';
import { createWordLists } from './word-lists.ts';

/**
 * The search index for a request thread: a read-only connection. Places come most popular first. Expressions are those
 * of `slotsExpression`; `''` means all books, except in `match`.
 */
export type IndexReader = {
  /** Places of books that match all slots in any field, at most `mostCounted`. */
  readonly places: (slots: readonly Slot[]) => readonly number[];
  readonly match: (expression: string, limit: number, offset?: number) => readonly number[];
  /** How many books there are, counted up to `mostCounted`. */
  readonly count: () => number;
  /** Whether more than `count` books match. */
  readonly hasMoreThan: (expression: string, count: number) => boolean;
  /** Places in the order of exact popularity, ties by id. (`match` orders by popularity only roughly.) */
  readonly mostPopular: (limit: number, offset: number) => readonly number[];
  readonly byIsbn: (isbn13: string) => number | null;
  /** Facts of the books that meet the conditions among the first `scanned` matches. */
  readonly facts: (expression: string, conditions: FactConditions, scanned: number) => readonly BookFacts[];
  /** Facts of the books at these places that meet the conditions. */
  readonly factsAt: (places: readonly number[], conditions: FactConditions) => readonly BookFacts[];
  /** The values of facets in the books at these places, which rise: at least the `most` most frequent of each kind. */
  readonly facetCounts: (places: readonly number[], most: number) => FacetCounts;
  /** In any order. Books that have been removed meanwhile are left out. */
  readonly ranked: (places: readonly number[]) => readonly RankedBook[];
  /**
   * These books as a JSON array for lists and events, in this order. Books that have been removed meanwhile are left
   * out.
   */
  readonly listed: (ids: readonly number[]) => Buffer;
  /** All marks of one kind that any book may have, in their order. */
  readonly sortMarks: (kind: string) => readonly string[];
  /** Word lists are being made, and were made: `places` looks into them. */
  readonly beginWords: () => void;
  readonly useWords: (data: WordData) => void;
  /** Forgets what is remembered about these books, so that it is read again. */
  readonly forget: (books: WrittenBooks) => void;
  readonly close: () => void;
};

/** What filters, facets and sorting need of a book. */
export type BookFacts = {
  readonly place: number;
  readonly title: string;
  /** As written. */
  readonly author: string;
  /** Each on its own line. */
  readonly subjects: string | null;
  readonly language: string | null;
  readonly year: number | null;
};

/** Conditions that are checked while rows are read. No languages: any language. */
export type FactConditions = {
  readonly languages: readonly string[];
  readonly from: number | null;
  readonly to: number | null;
};

export const anyBook: FactConditions = { languages: [], from: null, to: null };

/** `count` and `places` stop here; a total of more than a thousand is not exact. */
export const mostCounted = 1_001;

/** About 0.7 KB each. */
const rememberedRanked = 10_000;
const rememberedListedBytes = 6 << 20;
/** What even a short text takes. */
const bytesPerListed = 200;
/** The most books of nearly the same popularity that are put into exact order. */
const orderedAtMost = 2_000;

const rankedColumns = 'place, title_words, main_title_words, author, series, subjects, other_titles';

type Row = readonly (string | number | null | Uint8Array)[];

export function openIndexForReading(path: string): IndexReader {
  const database = openSqlite(path, {
    ...searchIndexSchema,
    busyTimeoutMs: 50,
    checkpointedElsewhere: true,
    cacheKiB: 12_288,
  });
  const prepare = (sql: string): StatementSync => {
    const statement = database.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  };
  const matching = prepare('SELECT rowid FROM book_text WHERE book_text MATCH ? ORDER BY rowid LIMIT ? OFFSET ?');
  const counting = prepare('SELECT count(*) FROM (SELECT 1 FROM book_text WHERE book_text MATCH ? LIMIT ?)');
  const countingAll = prepare('SELECT count(*) FROM (SELECT 1 FROM book LIMIT ?)');
  const popular = prepare('SELECT place FROM book ORDER BY place LIMIT ? OFFSET ?');
  const between = prepare('SELECT place FROM book WHERE place BETWEEN ? AND ? ORDER BY place LIMIT ?');
  const before = prepare('SELECT count(*) FROM book WHERE place < ?');
  const popularity = prepare('SELECT popularity FROM known WHERE id = ?');
  const isbn = prepare('SELECT place FROM book WHERE isbn = ? ORDER BY place LIMIT 1');
  const read = prepare(`SELECT ${rankedColumns} FROM json_each(?) CROSS JOIN book ON place = value`);
  const list = prepare('SELECT json FROM listed WHERE id = ?');
  const marks = prepare('SELECT mark FROM sort_mark WHERE mark >= ? AND mark < ? ORDER BY mark');
  const { facts, factsAt } = factStatements(prepare);
  const facets = prepare('SELECT author, subjects, language FROM json_each(?) CROSS JOIN book ON place = value');

  /** Keyed by id, because numbers as great as places take much longer to look up. */
  const ranked = createLruMap<number, RankedBook>(rememberedRanked);
  const listed = createLruMap<number, Uint8Array>(
    rememberedListedBytes,
    ({ byteLength }) => bytesPerListed + byteLength,
  );
  const lists = createWordLists(mostCounted);
  let counted: number | null = null;

  const countTo = (expression: string, limit: number): number =>
    (expression === '' ? row(countingAll, limit) : row(counting, expression, limit))![0] as number;
  const loadRanked = (wanted: readonly number[]): readonly RankedBook[] => {
    const books = rows(read, JSON.stringify(wanted)).map(decodeRanked);
    for (const book of books) ranked.set(book.id, book);
    return books;
  };
  const loadListed = (id: number): Uint8Array | undefined => {
    const json = row(list, id)?.[0] as Uint8Array | undefined;
    if (json !== undefined) listed.set(id, json);
    return json;
  };

  return {
    places: (slots) => lists.get(slots) ?? places(rows(matching, slotsExpression(slots), mostCounted, 0)),
    beginWords: lists.begin,
    useWords: lists.use,
    match: (expression, limit, offset = 0) => places(rows(matching, expression, limit, offset)),
    count: () => (counted ??= countTo('', mostCounted)),
    hasMoreThan: (expression, count) => countTo(expression, count + 1) > count,
    mostPopular: (limit, offset) => {
      const page = places(rows(popular, limit, offset));
      const first = page[0];
      const last = page.at(-1);
      if (first === undefined || last === undefined) return [];
      const from = bucketStart(first);
      const to = bucketStart(last) + bucketSize - 1;
      const near = places(rows(between, from, to, orderedAtMost));
      if (near.length === orderedAtMost) return page;
      const skipped = offset - (row(before, from)![0] as number);
      const countOf = new Map(near.map((place) => [place, row(popularity, bookAt(place))?.[0] as number]));
      return [...near]
        .sort((one, other) => countOf.get(other)! - countOf.get(one)! || bookAt(one) - bookAt(other))
        .slice(skipped, skipped + limit);
    },
    byIsbn: (isbn13) => (row(isbn, Number(isbn13))?.[0] as number | undefined) ?? null,
    facts,
    factsAt,
    facetCounts: (wanted, most) => lists.facetCounts(wanted, most) ?? countRows(rows(facets, JSON.stringify(wanted))),
    ranked: (wanted) => {
      const books: RankedBook[] = [];
      const unknown: number[] = [];
      for (const place of wanted) {
        const book = ranked.get(bookAt(place));
        if (book?.place === place) books.push(book);
        else unknown.push(place);
      }
      if (unknown.length > 0) books.push(...loadRanked(unknown));
      return books;
    },
    listed: (ids) => {
      const json: Uint8Array[] = [];
      for (const id of ids) {
        const bytes = listed.get(id) ?? loadListed(id);
        if (bytes !== undefined) json.push(bytes);
      }
      return jsonArray(json);
    },
    sortMarks: (kind) => rows(marks, kind, `${kind}\u{10FFFF}`).map(([mark]) => mark as string),
    forget: (books) => {
      counted = null;
      lists.change(books);
      if (books === 'many') {
        ranked.clear();
        listed.clear();
        return;
      }
      for (const { bookId } of books) {
        ranked.delete(bookId);
        listed.delete(bookId);
      }
    },
    close: database.close,
  };
}

function places(found: readonly Row[]): readonly number[] {
  return found.map(([place]) => place as number);
}

function rows(statement: StatementSync, ...values: (string | number | null)[]): readonly Row[] {
  return statement.all(...values) as unknown as readonly Row[];
}

function row(statement: StatementSync, ...values: (string | number | null)[]): Row | undefined {
  return statement.get(...values) as unknown as Row | undefined;
}

function decodeRanked([place, titleWords, mainTitleWords, author, series, subjects, otherTitles]: Row): RankedBook {
  const row = { titleWords, mainTitleWords, author, series, subjects, otherTitles } as RankedRow;
  return rankedBook(place as number, row);
}

/** `[a,b,c]` of texts that are JSON already. */
function jsonArray(items: readonly Uint8Array[]): Buffer {
  let length = 1 + Math.max(1, items.length);
  for (const item of items) length += item.byteLength;
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  bytes[at++] = openBracket;
  for (const [index, item] of items.entries()) {
    if (index > 0) bytes[at++] = comma;
    bytes.set(item, at);
    at += item.byteLength;
  }
  bytes[at] = closeBracket;
  return bytes;
}

const openBracket = 0x5b;
const comma = 0x2c;
const closeBracket = 0x5d;

function factStatements(prepare: (sql: string) => StatementSync): Pick<IndexReader, 'facts' | 'factsAt'> {
  const columns = 'book.place, title, author, subjects, language, year';
  const conditions = `(? = '' OR instr(?, ' ' || language || ' ') > 0) AND (? IS NULL OR year >= ?) AND (? IS NULL OR year <= ?)`;
  const matching = prepare(
    `SELECT ${columns} FROM (SELECT rowid AS place FROM book_text WHERE book_text MATCH ? ORDER BY rowid LIMIT ?) AS matched
     CROSS JOIN book ON book.place = matched.place WHERE ${conditions}`,
  );
  const all = prepare(`SELECT ${columns} FROM (SELECT * FROM book ORDER BY place LIMIT ?) AS book WHERE ${conditions}`);
  const at = prepare(
    `SELECT ${columns} FROM (SELECT value AS place FROM json_each(?)) AS wanted
     CROSS JOIN book ON book.place = wanted.place WHERE ${conditions}`,
  );
  const valuesOf = ({ languages, from, to }: FactConditions): readonly (string | number | null)[] => {
    const wanted = languages.length === 0 ? '' : ` ${languages.join(' ')} `;
    return [wanted, wanted, from, from, to, to];
  };
  return {
    facts: (expression, wanted, scanned) => {
      const values = [scanned, ...valuesOf(wanted)];
      return (expression === '' ? rows(all, ...values) : rows(matching, expression, ...values)).map(decodeFacts);
    },
    factsAt: (wanted, met) => rows(at, JSON.stringify(wanted), ...valuesOf(met)).map(decodeFacts),
  };
}

function decodeFacts([place, title, author, subjects, language, year]: Row): BookFacts {
  return { place, title, author, subjects, language, year } as BookFacts;
}

function countRows(found: readonly Row[]): FacetCounts {
  const counts = createFacetCounts();
  for (const [author, subjects, language] of found) {
    for (const kind of kinds) countValues(counts, kind, { author, subjects, language } as FacetFacts);
  }
  return counts;
}
