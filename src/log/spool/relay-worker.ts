import { reason, SamsaError } from '../../errors.ts';
import { onlyNews } from '../../runtime/waiting.ts';
import { fromPlainError, startWorker, type PlainError } from '../../runtime/threads.ts';
import type { KafkaConnection } from '../kafka/connection.ts';
import type { SpoolLedger } from './file.ts';

/** What the relay's thread is started with. */
export type RelayWork = {
  readonly id: string;
  readonly path: string;
  readonly folder: string;
  readonly kafka: KafkaConnection;
  /** As `SpoolRelayOptions`. */
  readonly dropBeyondBytes: number | null;
};

/** What the thread tells twice a second. */
export type RelayState = {
  readonly trouble: PlainError | null;
  /** Why a record was set aside since the last time; `null` when none was. */
  readonly setAside: string | null;
  /** The ledgers of spools that others left behind. */
  readonly adopted: readonly SpoolLedger[];
};

/** Names the signal that records or topics have come into a spool. */
export function spoolSignalName(id: string): string {
  return `samsa spool ${id}`;
}

export type RelayWorker = {
  /** Why records are not relayed; `null` when no reason is known. */
  readonly trouble: () => SamsaError | null;
  /** The ledgers of spools that others left behind. */
  readonly adopted: () => readonly SpoolLedger[];
  /** Lets it empty the spool, and ends it by force after so long. */
  readonly close: (withinMs: number) => Promise<void>;
};

/** In a smaller young generation, records in flight would be copied again and again. */
const youngGenerationMiB = 24;

export type RelayListener = {
  /** Called once with each kind of trouble, and with `null` when it is over. */
  readonly onProblem: (problem: SamsaError | null) => void;
  /** Called once when records were refused. */
  readonly onSetAside: (why: string) => void;
};

/** Starts the thread, and starts it again if it ends. */
export function startRelayWorker(work: RelayWork, { onProblem, onSetAside }: RelayListener): RelayWorker {
  const tell = onlyNews(onProblem);
  let saidSetAside = false;
  let adopted: readonly SpoolLedger[] = [];
  let trouble: SamsaError | null = null;

  const hear = (heard: SamsaError | null): void => {
    trouble = heard;
    tell(heard);
  };

  const { close } = startWorker<never, RelayState>({
    entry: new URL('./relay-thread.ts', import.meta.url),
    name: 'spool-relay',
    data: work,
    youngGenerationMiB,
    onMessage: (state) => {
      ({ adopted } = state);
      hear(state.trouble && (fromPlainError(state.trouble) as SamsaError));
      if (state.setAside === null || saidSetAside) return;
      saidSetAside = true;
      onSetAside(state.setAside);
    },
    onEnd: (cause) => hear(ended(work.path, cause)),
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
