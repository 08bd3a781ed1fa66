import type { Book } from '../../../events/book.ts';
import { createLruMap } from '../../../runtime/lru-map.ts';

export type LatestSearch = {
  readonly query: string;
  readonly timeMs: number;
  /** The best match; `null` when nothing was found. */
  readonly firstBook: Pick<Book, 'id' | 'title' | 'author'> | null;
};

/** Each reader's latest search of the last half hour, so that the page can show "you, just now" before it is counted. */
export type LastSearch = {
  readonly remember: (readerId: string, search: LatestSearch) => void;
  readonly of: (readerId: string) => LatestSearch | null;
};

const shownForMs = 30 * 60_000;
const rememberedReaders = 10_000;

/** Kept in memory for at least the 10,000 readers who searched last. */
export function createLastSearch(clock: () => number): LastSearch {
  const searches = createLruMap<string, LatestSearch>(rememberedReaders);
  return {
    remember: searches.set,
    of: (readerId) => {
      const search = searches.get(readerId);
      return search === undefined || clock() - search.timeMs > shownForMs ? null : search;
    },
  };
}
