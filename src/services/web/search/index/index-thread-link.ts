import type { Logger } from 'pino';
import { reason, SamsaError } from '../../../../errors.ts';
import type { BookChanged } from '../../../../events/book-changed.ts';
import type { LogLocation } from '../../../../log/open-log.ts';
import type { Freshness, LedgerRow } from '../../../../projection/ledger.ts';
import { fromPlainError, startWorker, type PlainError } from '../../../../runtime/threads.ts';
import type { WrittenBooks } from './index-file.ts';
import type { WordData } from './word-data.ts';

/** What the index thread is started with. */
export type IndexThreadData = {
  readonly path: string;
  readonly log: LogLocation;
  readonly logLevel: string;
};

/** How far the index has read; sent several times a second. */
export type IndexState = {
  readonly freshness: Freshness;
  readonly ledger: readonly LedgerRow[];
  readonly problems: readonly string[];
};

export type ToIndexThread =
  | { readonly type: 'apply'; readonly number: number; readonly change: BookChanged }
  /** Asks for an answer when everything that is now in the log is in the index, or after `withinMs`. */
  | { readonly type: 'catch-up'; readonly number: number; readonly withinMs: number }
  /** The readers of the file are closed: delete it and start again. */
  | { readonly type: 'rebuild'; readonly why: string };

export type FromIndexThread =
  /** The file can be opened for reading. */
  | { readonly type: 'opened' }
  | { readonly type: 'failed'; readonly error: PlainError }
  /** These books were committed. */
  | { readonly type: 'changed'; readonly books: WrittenBooks }
  /** `WordData` is being made: it may miss what is written from now on. */
  | { readonly type: 'words-begun' }
  | { readonly type: 'words'; readonly data: WordData }
  /** Answers `apply` (after `changed` for what it wrote) and `catch-up`. */
  | { readonly type: 'done'; readonly number: number; readonly problem: string | null }
  | ({ readonly type: 'state' } & IndexState)
  /** The file is damaged: stop reading it and ask for `rebuild`. */
  | { readonly type: 'damaged'; readonly why: string }
  /** One line of the thread's log, as pino writes it. */
  | { readonly type: 'log'; readonly line: string };

export type IndexThreadListener = {
  /** The file can be opened for reading. Called again after each rebuild. */
  readonly onOpened: () => void;
  readonly onChanged: (books: WrittenBooks) => void;
  /** The next words that `onWords` gets may miss what is written from now on. */
  readonly onWordsBegun: () => void;
  readonly onWords: (data: WordData) => void;
  /** The file is damaged: close it, then call `rebuild`. */
  readonly onDamaged: (why: string) => void;
  readonly onState: (state: Extract<FromIndexThread, { type: 'state' }>) => void;
};

/** The request thread's end of the conversation with the thread that writes the index. */
export type IndexThreadLink = {
  /** Resolves when `onOpened` has been called. @throws SamsaError with the reason if that fails. */
  readonly opened: Promise<void>;
  /** @throws SamsaError `store-unavailable` (retryable). */
  readonly apply: (change: BookChanged) => Promise<void>;
  /** @throws SamsaError `store-unavailable` (retryable) when the thread ends meanwhile. */
  readonly caughtUp: (withinMs: number) => Promise<void>;
  readonly rebuild: (why: string) => void;
  /** Why the thread is gone; `null` while it runs. */
  readonly ended: () => string | null;
  /** Commits what has been read, then ends the thread. May be called twice. */
  readonly close: () => Promise<void>;
};

const youngGenerationMiB = 8;

type Call = { readonly resolve: () => void; readonly reject: (error: SamsaError) => void };

export function startIndexThread(
  data: IndexThreadData,
  logger: Logger,
  listener: IndexThreadListener,
): IndexThreadLink {
  const { path } = data;
  const opening = Promise.withResolvers<void>();
  const calls = new Map<number, Call>();
  let lastCall = 0;
  let ended: string | null = null;
  let closing: Promise<void> | null = null;

  const end = (why: string, error: unknown = unavailable(path, why)): void => {
    opening.reject(error);
    if (ended !== null) return;
    ended = why;
    for (const { reject } of calls.values()) reject(unavailable(path, why));
    calls.clear();
    if (closing === null) logger.error({ path, why }, 'the search index is no longer kept up to date');
  };

  const call = (message: (number: number) => ToIndexThread): Promise<void> =>
    new Promise((resolve, reject) => {
      if (ended !== null || closing !== null) {
        reject(unavailable(path, ended ?? 'it is being closed'));
        return;
      }
      calls.set(++lastCall, { resolve, reject });
      link.tell(message(lastCall));
    });

  const answer = ({ number, problem }: Extract<FromIndexThread, { type: 'done' }>): void => {
    const call = calls.get(number);
    calls.delete(number);
    if (problem === null) call?.resolve();
    else call?.reject(unavailable(path, problem));
  };

  const begin = (): void => {
    try {
      listener.onOpened();
      opening.resolve();
    } catch (error) {
      end(reason(error), error);
    }
  };

  const hear = (message: FromIndexThread): void => {
    if (message.type === 'changed') listener.onChanged(message.books);
    else if (message.type === 'words-begun') listener.onWordsBegun();
    else if (message.type === 'words') listener.onWords(message.data);
    else if (message.type === 'done') answer(message);
    else if (message.type === 'state') listener.onState(message);
    else if (message.type === 'damaged') listener.onDamaged(message.why);
    else if (message.type === 'log') passOn(logger, message.line);
    else if (message.type === 'failed') end(message.error.message, fromPlainError(message.error));
    else begin();
  };

  const link = startWorker<ToIndexThread, FromIndexThread>({
    entry: new URL('./index-thread.ts', import.meta.url),
    name: 'search-index',
    data,
    youngGenerationMiB,
    onMessage: hear,
    onEnd: (cause) => end(cause === undefined ? 'its thread has ended' : reason(cause)),
  });

  return {
    opened: opening.promise,
    apply: (change) => call((number) => ({ type: 'apply', number, change })),
    caughtUp: (withinMs) => call((number) => ({ type: 'catch-up', number, withinMs })),
    rebuild: (why) => link.tell({ type: 'rebuild', why }),
    ended: () => ended,
    close: () => (closing ??= link.close().then(() => end('it has been closed'))),
  };
}

/** Adds the path to the reason, unless it is in it already. */
export function unavailable(path: string, why: string, cause?: unknown): SamsaError {
  const message = why.startsWith(path) ? why : `${path}: ${why}`;
  return new SamsaError('store-unavailable', message, { cause, retryable: true });
}

/** Writes a line of the thread's log into the log of the process. */
function passOn(logger: Logger, line: string): void {
  const { level, time: _, msg, ...fields } = JSON.parse(line) as { level: number; time: number; msg: string };
  if (level >= 50) logger.error(fields, msg);
  else if (level >= 40) logger.warn(fields, msg);
  else logger.info(fields, msg);
}
