import type { Book } from '../../events/book.ts';
import { createBookSearchedDecoder, type BookSearched, type SearchDecoder } from '../../events/book-searched.ts';
import type { StoredRecord } from '../../events/record.ts';
import { SamsaError } from '../../errors.ts';
import type { Projection } from '../../projection/projection.ts';
import { countingKey } from '../../text/keys.ts';

/** What one search adds to the counts. */
export type CountedSearch = {
  readonly queryKey: string;
  /** The query as this reader spelt it, spaces squeezed. */
  readonly label: string;
  /** Whole hours since 1970, UTC. */
  readonly hour: number;
  /** Whom it adds to the distinct readers of its hour; `null` when it adds nobody. */
  readonly reader: string | null;
  /** Whether it counts as a search of somebody unnamed. With neither, it adds to `searches` only. */
  readonly anonymous: boolean;
  /** Decides whose answer is the latest; ms since 1970. */
  readonly time: number;
  /** The spelling that search used instead of the query's. */
  readonly corrected: string | null;
  /** The books of its answer: a JSON array as UTF-8. */
  readonly books: Uint8Array;
};

const hourMs = 3_600_000;
/** An event that arrives later than this after it happened adds no reader: docs/decisions/002. */
const readerWithinMs = 24 * hourMs;
const limitCharacters = 200;
const limitBooksBytes = 65_536;
const rememberedQueries = 20_000;
const emptyList = Buffer.from('[]');
const spaces = /[\s\p{Cc}]+/gu;

/**
 * Searches into counts. The version rises whenever the fold or the state changes its meaning; the state is then built
 * anew from the log.
 * @param name `trend.group_id`: positions are stored under it, so another name reads the whole log again.
 */
export function createTrendProjection(
  name: string,
  searchesTopic: string,
  decodeSearch: SearchDecoder = createBookSearchedDecoder(),
): Projection<CountedSearch> {
  return {
    name,
    version: 3,
    reads: [{ topic: searchesTopic, compacted: false, repeats: 'dropped-by-sequence', fold: createFold(decodeSearch) }],
  };
}

function createFold(decode: SearchDecoder): (record: StoredRecord) => CountedSearch | 'late' {
  const spell = createSpelling();
  return (record) => {
    const search = decode(record);
    if (search === 'late') return 'late';
    const { key, label } = spell(search.query);
    const counts = search.weight === 1 && record.timestamp - search.time <= readerWithinMs;
    const reader = checkedReader(search.reader);
    const time = Math.max(0, search.time);
    return {
      queryKey: key,
      label,
      hour: Math.floor(time / hourMs),
      reader: counts ? reader : null,
      anonymous: counts && reader === null,
      time,
      corrected: search.corrected === null ? null : spell(search.corrected).label,
      books: keptBooks(search),
    };
  };
}

/** Key and label of a query, remembered: this runs once per event and normalising is dear. */
function createSpelling(): (query: string) => { key: string; label: string } {
  const known = new Map<string, { key: string; label: string }>();
  return (query) => {
    let spelling = known.get(query);
    if (spelling === undefined) {
      const label = query.replace(spaces, ' ').trim();
      if (label === '' || (label.length > limitCharacters && Array.from(label).length > limitCharacters)) {
        throw new SamsaError(
          'bad-event',
          `expected a query of 1 to ${limitCharacters} characters, got ${label.length} of them`,
        );
      }
      spelling = { key: countingKey(label), label };
      if (known.size >= rememberedQueries) known.clear();
      known.set(query, spelling);
    }
    return spelling;
  };
}

function checkedReader(reader: string | null): string | null {
  if (reader === null || reader === '') return null;
  if (reader.length <= limitCharacters) return reader;
  throw new SamsaError('bad-event', `reader: expected at most ${limitCharacters} characters, got ${reader.length}`);
}

/** The value as it came; of one that is far longer than a page of books, as many books as fit. */
function keptBooks({ books, value }: BookSearched): Uint8Array {
  if (books.length === 0) return emptyList;
  if (value.byteLength <= limitBooksBytes) return value;
  const kept: Book[] = [];
  let bytes = 2;
  for (const book of books) {
    bytes += Buffer.byteLength(JSON.stringify(book)) + 1;
    if (bytes > limitBooksBytes) break;
    kept.push(book);
  }
  return Buffer.from(JSON.stringify(kept));
}
