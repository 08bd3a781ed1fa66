import type { Logger } from 'pino';
import { isDamage } from '../../../sqlite/errors.ts';
import { reason } from '../../../errors.ts';
import { createDoorkeptLruMap } from '../../../runtime/lru-map.ts';
import type { BookChanged } from '../../../events/book-changed.ts';
import type { LogLocation } from '../../../log/open-log.ts';
import type { Freshness, LedgerRow } from '../../../projection/ledger.ts';
import { editsAllowed } from './query/correct-words.ts';
import { findBooks, type FoundBooks, type SearchRequest } from './query/find-books.ts';
import type { WrittenBook } from './index/index-file.ts';
import { type IndexState, startIndexThread, unavailable } from './index/index-thread-link.ts';
import { openIndexForReading, type IndexReader } from './index/read-index.ts';
import { suggestBooks, type Suggestions } from './query/suggest-books.ts';
import { createVocabulary, type Vocabulary } from './query/vocabulary.ts';

/**
 * This process's own copy of the books to search in, built from the log. A thread writes it; searches only read. What a
 * search finds may be some milliseconds old.
 */
export type SearchIndex = {
  /** @throws SamsaError `store-unavailable` (retryable) while the index cannot be read or is being built again. */
  readonly search: (request: SearchRequest) => SearchResult;
  readonly suggest: (text: string) => Suggestions;
  /**
   * Applies a change of a book before the log brings it. Resolves when searches here find it. Does nothing if the
   * stored version is as new.
   * @throws SamsaError `store-unavailable` (retryable); the log will still bring the change.
   */
  readonly applyAtOnce: (change: BookChanged) => Promise<void>;
  /**
   * Resolves when everything that is in the log at the call can be found here, or after `withinMs`.
   * @throws SamsaError `store-unavailable` (retryable).
   */
  readonly caughtUp: (withinMs: number) => Promise<void>;
  /** Whether misspelt words are corrected: some seconds after the start, with many books. */
  readonly corrects: () => boolean;
  /** The most likely correct spelling of a word; `null` when there is no similar word, or the word is correct. */
  readonly correctWord: (word: string) => string | null;
  readonly freshness: () => Freshness;
  readonly ledger: () => readonly LedgerRow[];
  /** Reason codes for readiness; none when all is well. */
  readonly problems: () => readonly string[];
  /** May be called twice. */
  readonly close: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

export type SearchResult = FoundBooks & {
  /** JSON array of the page's books. */
  readonly value: Buffer;
};

export type SearchIndexOptions = {
  /** The index file; built when missing, built again when it cannot be used. */
  readonly path: string;
  /** What it is made from. */
  readonly log: LogLocation;
  readonly logger: Logger;
};

/**
 * Opens the index and starts to bring it up to date; resolves when it can be searched.
 * @throws SamsaError `data-folder-unusable` when no file can be kept at `path`, or whatever the log throws.
 */
export async function openSearchIndex({ path, log, logger }: SearchIndexOptions): Promise<SearchIndex> {
  let reader: IndexReader | null = null;
  let vocabulary: Vocabulary | null = null;
  /** What was written while words are being made; `null` at other times. */
  let sinceBegun: WrittenBook[] | null = null;
  let state: IndexState = { freshness: { asOfMs: 0, lagEvents: 0, lagMs: 0 }, ledger: [], problems: ['starting'] };

  /** Remembered results of frequent requests, until anything changes. */
  const results = createDoorkeptLruMap<string, SearchResult>(askedRecently, rememberedBytes, sizeOfResult);

  const closeReader = (): void => {
    results.clear();
    reader?.close();
    reader = null;
  };
  const rebuild = (why: string): void => {
    if (reader === null) return;
    closeReader();
    state = { ...state, problems: ['starting'] };
    thread.rebuild(why);
  };
  const thread = startIndexThread({ path, log, logLevel: logger.level }, logger, {
    onOpened: () => {
      reader = openIndexForReading(path);
    },
    onChanged: (books) => {
      results.clear();
      reader?.forget(books);
      vocabulary?.add(books);
      if (books !== 'many') sinceBegun?.push(...books);
    },
    onWordsBegun: () => {
      sinceBegun = [];
      reader?.beginWords();
    },
    onWords: (data) => {
      results.clear();
      reader?.useWords(data);
      vocabulary = createVocabulary(data);
      vocabulary.add(sinceBegun ?? []);
      sinceBegun = null;
    },
    onDamaged: rebuild,
    onState: (next) => {
      if (reader !== null) state = next;
    },
  });
  await thread.opened;

  /** Reads, and starts a rebuild when the file is found to be damaged. */
  const read = <Result>(use: (index: IndexReader) => Result): Result => {
    if (reader === null) throw unavailable(path, thread.ended() ?? 'it is being built again from the log');
    try {
      return use(reader);
    } catch (error) {
      if (isDamage(error)) rebuild(reason(error));
      throw unavailable(path, reason(error), error);
    }
  };
  const close = async (): Promise<void> => {
    closeReader();
    await thread.close();
  };
  return {
    search: (request) => {
      const key = keyOf(request);
      const known = results.get(key);
      if (known !== undefined) return known;
      const result = read((index) => {
        const found = findBooks(index, vocabulary, request);
        return { ...found, value: index.listed(found.bookIds) };
      });
      results.set(key, result);
      return result;
    },
    suggest: (text) => read((index) => suggestBooks(index, vocabulary, text)),
    applyAtOnce: thread.apply,
    caughtUp: thread.caughtUp,
    corrects: () => vocabulary !== null,
    correctWord: (word) => vocabulary?.corrections(word, editsAllowed(word, true))[0]?.words[0]!.word ?? null,
    freshness: () => state.freshness,
    ledger: () => state.ledger,
    problems: () => (thread.ended() === null ? state.problems : ['store-unavailable']),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * A result is remembered from its second request on, if the first was among about this many before. As many are kept: a
 * rarer one would push out a more frequent one.
 */
const askedRecently = 4_000;
const rememberedBytes = 16 << 20;
/** What a result takes besides its books: mostly the ways in which the query was understood. */
const bytesPerResult = 1_500;

function sizeOfResult({ value }: SearchResult): number {
  return bytesPerResult + value.byteLength;
}

function keyOf({ text, offset, limit, filters, sort, withFacets, exact }: SearchRequest): string {
  const rest = filters === undefined ? '' : JSON.stringify(filters);
  return `${offset} ${limit} ${sort} ${withFacets} ${exact} ${rest} ${text}`;
}
