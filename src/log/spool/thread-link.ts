import { reason, SamsaError } from '../../errors.ts';
import { onlyNews } from '../../runtime/retry.ts';
import { fromPlainError, startWorker } from '../../runtime/worker-link.ts';
import type { SpoolLedger } from './ledger.ts';
import type { SpoolThreadData, SpoolThreadState } from './thread-messages.ts';

/** The end of the conversation with the relay's thread at which records are appended. */
export type SpoolThreadLink = {
  /** What keeps records from being relayed; `null` when nothing is known to. */
  readonly trouble: () => SamsaError | null;
  /** Of the spools that others left behind. */
  readonly adopted: () => readonly SpoolLedger[];
  /** Lets it empty the spool, and ends it after so long at most. */
  readonly close: (withinMs: number) => Promise<void>;
};

/** Records in flight would else outlive the young generation, and be copied over and over. */
const youngGenerationMiB = 24;

/** Starts the thread, and again should it ever end. `onTrouble` is told once per kind of trouble, and `null` after it. */
export function startSpoolThread(
  data: SpoolThreadData,
  onTrouble: (trouble: SamsaError | null) => void,
): SpoolThreadLink {
  const tell = onlyNews(onTrouble);
  let adopted: readonly SpoolLedger[] = [];
  let trouble: SamsaError | null = null;

  const hear = (heard: SamsaError | null): void => {
    trouble = heard;
    tell(heard);
  };

  const { close } = startWorker<never, SpoolThreadState>({
    entry: new URL('./relay-thread.ts', import.meta.url),
    name: 'spool-relay',
    data,
    youngGenerationMiB,
    onMessage: (state) => {
      ({ adopted } = state);
      hear(state.trouble && (fromPlainError(state.trouble) as SamsaError));
    },
    onEnd: (cause) => hear(ended(data.path, cause)),
    restartAfterMs: 1_000,
  });
  return { trouble: () => trouble, adopted: () => adopted, close };
}

function ended(path: string, cause: unknown): SamsaError {
  const why = cause === undefined ? '' : `: ${reason(cause)}`;
  return new SamsaError(
    'log-unavailable',
    `${path}: the thread that relays it has ended and is started again${why}. What it holds is kept.`,
    { retryable: true, cause },
  );
}
