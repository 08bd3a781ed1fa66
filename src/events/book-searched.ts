import { TypeCompiler } from '@sinclair/typebox/compiler';
import { Type } from '@sinclair/typebox';
import { isUtf8 } from 'node:buffer';
import { SamsaError } from '../errors.ts';
import { BookSchema, type Book } from './book.ts';
import {
  decodeEnvelope,
  encodeEnvelope,
  eventTime,
  markOf,
  text,
  type Envelope,
  type EventSource,
} from './envelope.ts';
import { parseEventJson, refusedValue } from './json.ts';
import { createDoorkeptLruMap } from '../runtime/lru-map.ts';
import type { NewRecord, StoredRecord } from './record.ts';

export const bookSearchedType = 'samsa.book.searched.v1';

/** The most characters of a query, everywhere in the shop (docs/contract.md §2). */
export const longestQuery = 200;

/** A reader searched. Trends and recommendations are built from this event. */
export type BookSearched = {
  /** As typed, trimmed. */
  readonly query: string;
  /**
   * The ids of the books on the result page, best first. Not the books: a batch of events waits to be committed, and
   * parsed books would take most of its memory.
   */
  readonly bookIds: readonly number[];
  /**
   * The books as bytes: a JSON array or `null` in UTF-8. Searches with the same query and answer share one object, if
   * the query came often lately.
   */
  readonly value: Uint8Array;
  /** `null` when the producer named no reader. */
  readonly reader: string | null;
  /** 0: adds to `searches` only, not to `readers`. */
  readonly weight: 0 | 1;
  /** The corrected query, if the search used one. */
  readonly corrected: string | null;
  /** 0–29, a keyed hash of the IPv4 address or the IPv6 /48; `null` when the producer gave none. */
  readonly place: number | null;
  /** False: the books are the first page, without filters, by relevance. */
  readonly filtered: boolean;
  /** Whether words were left out because no book had all of them, even after correction. */
  readonly dropped: boolean;
  /** When it happened, ms since 1970; never later than its arrival. */
  readonly time: number;
  /** @see markOf */
  readonly source: string;
  readonly sequence: number;
};

/** What the headers of a search say. */
export type SearchContext = {
  readonly reader: string | null;
  readonly weight: 0 | 1;
  readonly corrected: string | null;
  /** Words left out because no book has them together with the others. */
  readonly dropped?: readonly string[];
  /** Whether the answer differs from the plain first page: it is filtered, or in another order. */
  readonly filtered?: boolean;
  readonly total: number;
  /** As in `BookSearched`. */
  readonly place?: number | null;
};

const bookList = TypeCompiler.Compile(Type.Array(BookSchema));
const readerId = /^[A-Za-z0-9_-]{0,64}$/;

/**
 * The id that all clients of one IPv4 address or IPv6 /48 share for a day while they have no valid cookie.
 * @param addressHash 22 characters of base64url.
 */
export function sharedReader(addressHash: string): string {
  return `a-${addressHash}`;
}

const sharedReaderId = /^a-[A-Za-z0-9_-]{22}$/;

export function isSharedReader(reader: string): boolean {
  return sharedReaderId.test(reader);
}

/** The key of a search: the query, or the query and the reader for programs that expect both. */
export type SearchKeyFormat = 'query' | 'query:reader';

/** The record of one search; `value` is the answer's own bytes, a JSON array of books. */
export function bookSearchedRecord(
  topic: string,
  source: EventSource,
  search: { query: string; value: Uint8Array; keyFormat?: SearchKeyFormat } & SearchContext,
): NewRecord {
  const extensions: Record<string, string> = { total: String(search.total) };
  if (search.reader !== null) extensions['reader'] = search.reader;
  if (search.weight === 0) extensions['weight'] = '0';
  if (search.corrected !== null) extensions['corrected'] = search.corrected;
  if (search.place != null) extensions['place'] = String(search.place);
  if (search.filtered === true) extensions['filtered'] = '1';
  if (search.dropped !== undefined && search.dropped.length > 0) extensions['dropped'] = search.dropped.join(' ');
  const withReader = search.keyFormat === 'query:reader';
  if (withReader) extensions['keyformat'] = 'query:reader';
  return {
    topic,
    key: Buffer.from(withReader ? `${search.query}:${search.reader ?? ''}` : search.query),
    value: search.value,
    headers: encodeEnvelope(source.next(bookSearchedType, extensions)),
  };
}

/** The limit on remembered values. */
const rememberedBytes = 4 << 20;
/** A query is remembered when it comes again within about this many other queries. */
const metQueries = 4_000;
/** Other programs may send longer queries than ours (`longestQuery`). Longer than this, they are not remembered. */
const longestRemembered = 300;

/** A search, or `'late'` when it came too late to count. @throws SamsaError `bad-event`. */
export type SearchDecoder = (record: StoredRecord) => BookSearched | 'late';

/** Where a record keeps its decoded search. */
const decodedSearch = Symbol('decoded search');
type DecodedRecord = StoredRecord & { [decodedSearch]?: BookSearched | 'late' };

/** For several consumers of the same record objects: decodes each record once. */
export function decodingOnce(decode: SearchDecoder): SearchDecoder {
  return (record: DecodedRecord) => (record[decodedSearch] ??= decode(record));
}

/**
 * A decoder that remembers the last value of frequent queries, for all readers together. The same query mostly has the
 * same answer, and comparing bytes is many times cheaper than parsing them. Results do not change.
 */
export function createBookSearchedDecoder(): SearchDecoder {
  const answers = createDoorkeptLruMap<string, Answer>(
    metQueries,
    rememberedBytes,
    ({ value }) => longestRemembered + value.byteLength,
  );
  const decodeAnswer = (query: string, value: Uint8Array | null): Answer => {
    if (value === null) throw new SamsaError('bad-event', 'value: expected a JSON array of books, got a tombstone');
    const known = answers.get(query);
    if (known !== undefined && Buffer.compare(known.value, value) === 0) return known;
    const answer = { query, bookIds: parseBooks(value).map(({ id }) => id), value };
    if (query.length > longestRemembered || !answers.admits(query)) return answer;
    // A copy, because the record's bytes may share memory with the whole read.
    const remembered = { ...answer, value: new Uint8Array(value) };
    answers.set(query, remembered);
    return remembered;
  };
  return (record) => {
    const envelope = decodeEnvelope(record.headers);
    const time = eventTime(record, envelope);
    const key = decodeKey(record.key);
    if (time === 'late') {
      decodeAnswer(key, record.value);
      return 'late';
    }
    const search = envelope === null ? plainSearch(key, record) : ownSearch(key, envelope);
    const { reader, weight, corrected, place, filtered, dropped, source, sequence } = search;
    const { query, bookIds, value } = decodeAnswer(search.query, record.value);
    return { query, bookIds, value, reader, weight, corrected, place, filtered, dropped, source, sequence, time };
  };
}

/** The query is the same object for the same answer, so that maps need not compare its characters. */
type Answer = Pick<BookSearched, 'query' | 'bookIds' | 'value'>;

function decodeKey(key: Uint8Array | null): string {
  if (key === null || !isUtf8(key)) throw new SamsaError('bad-event', 'key: expected the query as UTF-8');
  return text(key);
}

/** The books of an answer. @throws SamsaError `bad-event`. */
export function parseBooks(value: Uint8Array): readonly Book[] {
  const books = parseEventJson(value);
  if (books === null) return [];
  if (bookList.Check(books)) return books;
  throw refusedValue(bookList, books, 'an array of books');
}

type Unparsed = Omit<BookSearched, 'bookIds' | 'value' | 'time'>;

/** A key of ours is split only if its headers say so, never at a colon of the query. */
function ownSearch(key: string, envelope: Envelope): Unparsed {
  if (envelope.type !== bookSearchedType) {
    throw new SamsaError(
      'bad-event',
      `header ce_type: expected ${bookSearchedType}, got ${envelope.type.slice(0, 80)}`,
    );
  }
  const { reader, weight, corrected, keyformat, place, filtered, dropped } = envelope.extensions;
  return {
    query: notEmpty(keyformat === 'query:reader' ? withoutReader(key, reader ?? '') : key),
    reader: reader ?? null,
    weight: weight === '0' ? 0 : 1,
    corrected: corrected ?? null,
    place: placeOf(place),
    filtered: filtered !== undefined && filtered !== '0',
    dropped: dropped !== undefined && dropped !== '',
    source: envelope.source,
    sequence: envelope.sequence,
  };
}

function placeOf(place: string | undefined): number | null {
  return place !== undefined && /^(?:1?\d|2\d)$/.test(place) ? Number(place) : null;
}

function withoutReader(key: string, reader: string): string {
  const suffix = `:${reader}`;
  if (key.endsWith(suffix)) return key.slice(0, -suffix.length);
  throw new SamsaError('bad-event', `key: expected it to end with ${suffix}, as header ce_keyformat says`);
}

function plainSearch(key: string, record: StoredRecord): Unparsed {
  const { query, reader } = splitKey(key);
  return {
    query: notEmpty(query),
    reader,
    weight: 1,
    corrected: null,
    place: null,
    filtered: false,
    dropped: false,
    ...markOf(record, null),
  };
}

/** The key `query:userId` of the tutorial's later chapters, split at the last colon when a reader id follows it. */
function splitKey(key: string): { query: string; reader: string | null } {
  const colon = key.lastIndexOf(':');
  const after = key.slice(colon + 1);
  if (colon < 0 || !readerId.test(after)) return { query: key.trim(), reader: null };
  return { query: key.slice(0, colon).trim(), reader: after === '' ? null : after };
}

function notEmpty(query: string): string {
  if (query.trim() === '') throw new SamsaError('bad-event', 'key: expected a query, got an empty one');
  return query;
}
