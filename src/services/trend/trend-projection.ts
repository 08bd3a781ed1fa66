import { hash } from 'node:crypto';
import type { Book } from '../../events/book.ts';
import {
  createBookSearchedDecoder,
  longestQuery,
  parseBooks,
  type BookSearched,
  type SearchDecoder,
} from '../../events/book-searched.ts';
import { decodeOperatorAction, type OperatorAction } from '../../events/operator-action.ts';
import type { StoredRecord } from '../../events/record.ts';
import { SamsaError } from '../../errors.ts';
import type { Projection } from '../../projection/projection.ts';
import { createLruMap } from '../../runtime/lru-map.ts';
import { countingKey } from '../../text/words.ts';
import { hourOfTime } from './hours.ts';
import { dayMs } from '../../runtime/time.ts';

export type TrendTopics = {
  readonly searches: string;
  /** The topic of operators' decisions. Without it nothing is muted or pinned. */
  readonly operator?: string;
};

/** What one event changes. */
export type TrendChange = CountedSearch | Decision;

/** What one search adds to the counts. */
export type CountedSearch = {
  readonly kind: 'search';
  readonly queryKey: string;
  /** The query as this reader spelt it, spaces squeezed. */
  readonly label: string;
  /** Whole hours since 1970, UTC. */
  readonly hour: number;
  /**
   * The number of the reader who is added to the distinct readers of its hour (see `readerNumber`); `null` for none.
   */
  readonly reader: number | null;
  /** True: it names no reader, and counts as one. If false and `reader` is `null`, it adds to `searches` only. */
  readonly anonymous: boolean;
  /** The place it came from, as one bit of the places of its hour; 0 for none. */
  readonly place: number;
  /** Decides whose answer is the latest; ms since 1970. */
  readonly time: number;
  /** The spelling that search used instead of the query's. */
  readonly corrected: string | null;
  /** The books of its page: a JSON array as UTF-8. */
  readonly books: Uint8Array;
  /**
   * The first of those books, if the page is the query's plain answer: the first page, in order of relevance, without a
   * filter. `null` otherwise, and when nothing was found.
   */
  readonly lead: number | null;
  /** Whether no book had all words of the query, even corrected. */
  readonly unanswered: boolean;
};

/** What an operator decided about a query. The last decision counts, by time and then by `tieBreak`. */
export type Decision = {
  readonly kind: 'decision';
  readonly queryKey: string;
  readonly about: 'muted' | 'pinned';
  readonly holds: boolean;
  readonly time: number;
  readonly tieBreak: string;
};

/** An event that arrives later than this after it happened adds no reader: docs/decisions/002. */
const readerWithinMs = dayMs;
const longestReader = 200;
const limitBooksBytes = 65_536;
/** How many places there are, one bit each. */
const placeBits = 30;
const rememberedQueries = 20_000;
const rememberedReaders = 50_000;
const emptyList = Buffer.from('[]');
const spaces = /[\s\p{Cc}]+/gu;

/**
 * Folds searches and operators' decisions into changes of the counts. Raise the version when the meaning of the fold or
 * the state changes; the state is then rebuilt from the log.
 * @param name `trend.group_id`: positions are stored under it, so another name reads the whole log again.
 */
export function createTrendProjection(
  name: string,
  topics: TrendTopics,
  decodeSearch: SearchDecoder = createBookSearchedDecoder(),
): Projection<TrendChange> {
  const input = { compacted: false, repeats: 'dropped-by-sequence' } as const;
  const decisions = topics.operator === undefined ? [] : [{ ...input, topic: topics.operator, fold: foldDecision }];
  return {
    name,
    version: 4,
    reads: [{ ...input, topic: topics.searches, fold: createFold(decodeSearch) }, ...decisions],
  };
}

function foldDecision(record: StoredRecord): Decision | 'late' {
  const decided = decodeOperatorAction(record);
  if (decided === 'late') return 'late';
  const { action, query, time, tieBreak } = decided;
  return { kind: 'decision', queryKey: countingKey(query), ...meanings[action], time: Math.max(0, time), tieBreak };
}

const meanings: Readonly<Record<OperatorAction['action'], Pick<Decision, 'about' | 'holds'>>> = {
  muted: { about: 'muted', holds: true },
  unmuted: { about: 'muted', holds: false },
  pinned: { about: 'pinned', holds: true },
  unpinned: { about: 'pinned', holds: false },
};

function createFold(decode: SearchDecoder): (record: StoredRecord) => CountedSearch | 'late' {
  const spell = createSpelling();
  const numberOf = createReaderNumbers();
  return (record) => {
    const search = decode(record);
    if (search === 'late') return 'late';
    const { key, label } = spell(search.query);
    const counts = search.weight === 1 && record.timestamp - search.time <= readerWithinMs;
    const reader = numberOf(search.reader);
    const time = Math.max(0, search.time);
    const isAnswer = !search.filtered;
    return {
      kind: 'search',
      queryKey: key,
      label,
      hour: hourOfTime(time),
      reader: counts ? reader : null,
      anonymous: counts && reader === null,
      place: counts ? placeBit(search.place, reader) : 0,
      time,
      // If words were dropped, the correction is not used: the dropped words may name a person.
      corrected: search.corrected === null || search.dropped ? null : spell(search.corrected).label,
      books: keptBooks(search),
      lead: isAnswer ? (search.bookIds[0] ?? null) : null,
      unanswered: isAnswer && (search.bookIds.length === 0 || search.dropped),
    };
  };
}

/** Key and label of a query. Remembered, because this runs once per event and folding text is slow. */
function createSpelling(): (query: string) => { key: string; label: string } {
  const known = createLruMap<string, { key: string; label: string }>(rememberedQueries);
  return (query) => {
    let spelling = known.get(query);
    if (spelling === undefined) {
      const label = query.replace(spaces, ' ').trim();
      if (label === '' || (label.length > longestQuery && Array.from(label).length > longestQuery)) {
        throw new SamsaError(
          'bad-event',
          `expected a query of 1 to ${longestQuery} characters, got ${label.length} of them`,
        );
      }
      spelling = { key: countingKey(label), label };
      known.set(query, spelling);
    }
    return spelling;
  };
}

/** Numbers of readers, remembered. @throws SamsaError `bad-event`. */
function createReaderNumbers(): (reader: string | null) => number | null {
  const known = createLruMap<string, number>(rememberedReaders);
  return (reader) => {
    if (reader === null || reader === '') return null;
    let number = known.get(reader);
    if (number === undefined) {
      if (reader.length > longestReader) {
        throw new SamsaError('bad-event', `reader: expected at most ${longestReader} characters, got ${reader.length}`);
      }
      number = readerNumber(reader);
      known.set(reader, number);
    }
    return number;
  };
}

/**
 * A reader as every state stores one: enough to recognise the same reader, but not the id. It is the first 48 bits of
 * the SHA-256 of the id, signed. It has no key, so that two instances count a reader once. Numbers must differ only
 * within one query and hour: among ten thousand readers, two share a number once in millions of hours.
 */
export function readerNumber(reader: string): number {
  return hash('sha256', reader, 'buffer').readIntBE(0, 6);
}

/** The number under which a state stores that a reader used a spelling. */
export function spellingReader(label: string, reader: number): number {
  return hash('sha256', `${reader} ${label}`, 'buffer').readIntBE(0, 6);
}

/** If the place is unknown, a hash of the reader replaces it. */
export function placeBit(place: number | null, reader: number | null): number {
  if (place !== null) return 1 << place;
  return reader === null ? 0 : 1 << (Math.abs(reader) % placeBits);
}

/** The value as it came. If it is far longer than a page of books, only the books that fit are kept. */
function keptBooks({ bookIds, value }: BookSearched): Uint8Array {
  if (bookIds.length === 0) return emptyList;
  if (value.byteLength <= limitBooksBytes) return value;
  const kept: Book[] = [];
  let bytes = 2;
  for (const book of parseBooks(value)) {
    bytes += Buffer.byteLength(JSON.stringify(book)) + 1;
    if (bytes > limitBooksBytes) break;
    kept.push(book);
  }
  return Buffer.from(JSON.stringify(kept));
}
