import { fromPlainError, startWorker, type PlainError, type WorkerLink } from '../../../../runtime/threads.ts';
import type { WrittenBooks } from './index-file.ts';
import type { WordData } from './word-data.ts';
import { mostChanges } from './word-lists.ts';

/** What the thread that makes `WordData` is started with: the index file. */
export type WordWork = { readonly path: string };
export type WordAnswer = { readonly data: WordData } | { readonly error: PlainError };

/** Makes `WordData` again when enough books have changed. */
export type WordMaker = {
  /** Call it now and then while there is nothing else to do. */
  readonly refresh: () => void;
  /** These books were written. */
  readonly changed: (books: WrittenBooks) => void;
  /** Stops reading. May be called twice. */
  readonly close: () => Promise<void>;
};

export type WordMakerListener = {
  /** Called when making begins: the result may miss what is written from now on. */
  readonly onBegun: () => void;
  readonly onMade: (data: WordData) => void;
  readonly onFailed: (error: unknown) => void;
};

/**
 * `WordData` is made again after this share of the books has changed; at the earliest after `least` books, at the
 * latest after `most`.
 */
const worthwhile = { share: 0.01, least: 50, most: 1_000 } as const;
/**
 * The pause before the next time, as a multiple of the time that making took. It is short after many changes, because
 * they make searching slower.
 */
const pauses = { usual: 10, afterMany: 1 } as const;
/** The shortest pause, so that small shops start few threads. */
const shortestMs = 500;
const youngGenerationMiB = 16;

/** Starts a new thread each time: when it ends, all memory that making took is free again. */
export function createWordMaker(path: string, { onBegun, onMade, onFailed }: WordMakerListener): WordMaker {
  let changed = Number.POSITIVE_INFINITY;
  let enough = 0;
  let ended = Number.NEGATIVE_INFINITY;
  let tookMs = 0;
  let thread: WorkerLink<never> | null = null;

  const start = (): void => {
    const started = performance.now();
    const end = (): void => {
      thread = null;
      ended = performance.now();
      tookMs = ended - started;
    };
    const fail = (error: unknown): void => {
      changed = Number.POSITIVE_INFINITY;
      onFailed(error);
    };
    changed = 0;
    onBegun();
    thread = startWorker<never, WordAnswer>({
      entry: new URL('./word-thread.ts', import.meta.url),
      name: 'search-words',
      data: { path } satisfies WordWork,
      youngGenerationMiB,
      onMessage: (answer) => {
        if ('error' in answer) return fail(fromPlainError(answer.error));
        const books = answer.data.places.length;
        enough = Math.min(worthwhile.most, Math.max(worthwhile.least, books * worthwhile.share));
        onMade(answer.data);
      },
      onEnd: (cause) => {
        end();
        if (cause !== undefined) fail(cause);
      },
    });
  };

  return {
    refresh: () => {
      if (thread !== null || changed <= enough) return;
      const pause = changed > mostChanges ? pauses.afterMany : pauses.usual;
      if (performance.now() >= ended + Math.max(shortestMs, pause * tookMs)) start();
    },
    changed: (books) => {
      changed += books === 'many' ? Number.POSITIVE_INFINITY : books.length;
    },
    close: async () => {
      await thread?.close(0);
    },
  };
}
