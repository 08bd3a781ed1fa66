import type { SqliteDatabase } from '../../../../sqlite/connection.ts';
import type { WrittenBooks } from '../index/index-file.ts';
import { buildWordData, type WordData } from '../index/word-data.ts';

/** Keeps the lists of words and the corrections current, a little work at a time. */
export type Speller = {
  /** To be called now and then while nothing else is to do: prepares them again when enough books have changed. */
  readonly refresh: () => void;
  /** These books were written. */
  readonly changed: (books: WrittenBooks) => void;
  readonly close: () => void;
};

export type SpellerListener = {
  /** What is prepared now may miss whatever is written from now on. */
  readonly onBegun: () => void;
  readonly onPrepared: (data: WordData) => void;
};

/** One step of work, so that a change of a book is never kept waiting for long. */
const stepMs = 10;
/** The share of changed books that is worth preparing again, within these numbers. */
const worthwhile = { share: 0.01, least: 50, most: 1_000 } as const;
/** So many times as long as the last preparation took passes before the next; without lists, searching is slower. */
const rests = { withLists: 10, without: 1 } as const;

export function createSpeller(database: SqliteDatabase, { onBegun, onPrepared }: SpellerListener): Speller {
  let changed = Number.POSITIVE_INFINITY;
  let enough = 0;
  let ended = 0;
  let took = 0;
  let isClosed = false;
  let work: Iterator<void, void> | null = null;

  const step = (): void => {
    if (isClosed || work === null) return;
    const until = performance.now() + stepMs;
    while (performance.now() < until) {
      if (work.next().done === true) {
        work = null;
        return;
      }
    }
    setImmediate(step);
  };

  function* prepare(): Generator<void, void> {
    const started = performance.now();
    changed = 0;
    onBegun();
    const data = yield* buildWordData(database);
    enough = Math.min(worthwhile.most, Math.max(worthwhile.least, data.places.length * worthwhile.share));
    ended = performance.now();
    took = ended - started;
    onPrepared(data);
  }

  return {
    refresh: () => {
      const rest = changed === Number.POSITIVE_INFINITY ? rests.without : rests.withLists;
      if (work !== null || changed <= enough || performance.now() < ended + rest * took) return;
      work = prepare();
      step();
    },
    changed: (books) => {
      changed += books === 'many' ? Number.POSITIVE_INFINITY : books.length;
    },
    close: () => {
      isClosed = true;
    },
  };
}
