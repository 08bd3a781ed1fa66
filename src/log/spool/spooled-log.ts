import type { SqliteDatabase } from '../../sqlite/connection.ts';
import { reason, SamsaError } from '../../errors.ts';
import type { KafkaConnection } from '../kafka/connection.ts';
import type { EventLog } from '../log.ts';
import { logError } from '../../sqlite/errors.ts';
import { onlyChanges, retry } from '../../runtime/waiting.ts';
import { createThreadSignal, fromPlainError, startWorker, type PlainError } from '../../runtime/threads.ts';
import {
  openSpoolFile,
  openSpoolFolder,
  readSpoolLedger,
  spoolSignalName,
  type ClaimedSpool,
  type SpoolLedger,
} from './spool-file.ts';
import { createIncomingRows, createSpoolAppender, type IncomingRows, type SpoolOverflow } from './incoming.ts';
import { longWaitMs } from './relay.ts';

export type SpoolOptions = {
  /** Holds the spools of all processes on this data folder; created if missing. */
  readonly folder: string;
  /** The topics that may be appended to, also while no broker can say whether they exist. */
  readonly topics: readonly string[];
  /** The cluster that `log` is kept in. The relay has its own client on its own thread. */
  readonly kafka: KafkaConnection;
  readonly clock: () => number;
  /** How long one attempt to write may block this thread; at most 50 where requests are answered. */
  readonly busyTimeoutMs: number;
  /** `normal` survives a killed process, `full` a power cut. */
  readonly sync: 'normal' | 'full';
  /** How many bytes of keys, values and headers may wait for the cluster. */
  readonly limitBytes: number;
  readonly overflow: SpoolOverflow;
  /** Called with why records are not relayed, once per kind of trouble, and with `null` when that is over. */
  readonly onProblem: (problem: SamsaError | null) => void;
  /** Called once when the cluster refused records because of their content or size: they are set aside. */
  readonly onSetAside: (why: string) => void;
};

/** `spooling`: records wait longer than they should. `set-aside`: some were refused. `why` is for people. */
export type SpoolProblem = { readonly code: 'spooling' | 'set-aside'; readonly why: string };

export type SpooledLog = EventLog & {
  /** Names this process's spool file; no other running process has the same. */
  readonly id: string;
  readonly ledger: () => readonly SpoolLedger[];
  /** Empty while records reach the cluster within about two seconds. */
  readonly problems: () => readonly SpoolProblem[];
};

/** How long opening and appending wait for a busy or full disk, and `close` for the cluster. */
const patienceMs = 2_000;
const relayWithinMs = 3_000;

/**
 * A Kafka log with a spool in front: `append` resolves when the records are durable in a local SQLite file, even while
 * no broker answers. A relay sends them to the cluster in order, for as long as that takes, and removes them when they
 * are acknowledged. Reading, `describe` and `create` go to `log`; `close` closes it, too.
 *
 * It takes over a spool that no running process has, else creates one. While it runs, it adopts and empties spools that
 * other processes left behind. When a process dies between acknowledgement and removal, a record may be appended to the
 * cluster twice; both times to the same partition, even when partitions were added in between.
 *
 * `append` throws `topic-unknown` for topics neither among `topics` nor made with `create`; `spool-full` (not
 * retryable) when the records were dropped because too much waits; and what the SQLite log throws.
 * `close` waits at most three seconds for the cluster; what it has not acknowledged stays for the next opening.
 * @throws SamsaError `data-folder-unusable`, `state-too-new`, `store-unavailable`.
 */
export async function openSpooledLog(log: EventLog, options: SpoolOptions): Promise<SpooledLog> {
  const { folder, clock, limitBytes, overflow } = options;
  const claimed = openSpoolFolder(folder, clock).claimAny();
  const { id, path } = claimed;
  try {
    const { database, rows } = await openRows(path, options);
    const signal = createThreadSignal(spoolSignalName(id), () => {});
    const dropBeyondBytes = overflow === 'drop-oldest' ? limitBytes : null;
    const worker = startRelayWorker({ id, path, folder, kafka: options.kafka, dropBeyondBytes }, options);
    const appender = createSpoolAppender({ path, rows, limitBytes, overflow, patienceMs, onWritten: signal.send });
    return assemble({ log, clock, claimed, database, rows, worker, appender, signal: signal.send });
  } catch (error) {
    claimed.release();
    throw error;
  }
}

async function openRows(
  path: string,
  { topics, clock, busyTimeoutMs, sync }: SpoolOptions,
): Promise<{ readonly database: SqliteDatabase; readonly rows: IncomingRows }> {
  const open = () => openSpoolFile(path, { busyTimeoutMs, sync, checkpointedElsewhere: true });
  const database = await retry(open, { withinMs: patienceMs });
  try {
    const rows = createIncomingRows(database, clock);
    for (const topic of topics) await retry(() => rows.addTopic(topic), { withinMs: patienceMs });
    return { database, rows };
  } catch (error) {
    database.close();
    throw error;
  }
}

type Parts = {
  readonly log: EventLog;
  readonly clock: () => number;
  readonly claimed: ClaimedSpool;
  readonly database: SqliteDatabase;
  readonly rows: IncomingRows;
  readonly worker: RelayWorker;
  readonly appender: ReturnType<typeof createSpoolAppender>;
  /** Wakes the relay. */
  readonly signal: () => void;
};

function assemble({ log, clock, claimed, database, rows, worker, appender, signal }: Parts): SpooledLog {
  const { id, path } = claimed;
  let closing: Promise<void> | null = null;
  let isOpen = true;
  let last: readonly SpoolLedger[] = [];

  const ledger = (): readonly SpoolLedger[] => {
    if (isOpen) last = [...readSpoolLedger(database, id), ...worker.adopted()];
    return last;
  };

  const close = async (): Promise<void> => {
    const closed = log.close();
    await appender.drain();
    await worker.close(relayWithinMs);
    ledger();
    isOpen = false;
    database.close();
    claimed.release();
    await closed;
  };

  return {
    ...log,
    id,
    append: async (records) => {
      if (closing !== null) throw new SamsaError('log-closed', `${path}: the log has been closed`);
      try {
        await appender.append(records);
      } catch (error) {
        throw logError(path, error);
      }
    },
    create: async (topic, settings) => {
      await log.create(topic, settings);
      await retry(() => rows.addTopic(topic), { withinMs: patienceMs });
      signal();
    },
    ledger,
    problems: () => problemsOf(ledger(), worker.trouble(), clock()),
    close: () => (closing ??= close()),
  };
}

function problemsOf(
  ledger: readonly SpoolLedger[],
  trouble: SamsaError | null,
  nowMs: number,
): readonly SpoolProblem[] {
  const refused = ledger.reduce((sum, row) => sum + row.setAside, 0);
  const problems: SpoolProblem[] =
    refused === 0 ? [] : [{ code: 'set-aside', why: `Kafka refused ${refused} records: samsa spool list shows them` }];
  const waiting = ledger.reduce((sum, row) => sum + row.waiting, 0);
  const oldestMs = Math.min(...ledger.map((row) => row.oldestMs ?? nowMs));
  if (trouble === null && nowMs - oldestMs <= longWaitMs) return problems;
  const seconds = Math.max(0, Math.round((nowMs - oldestMs) / 1_000));
  const why = trouble?.message ?? 'they are being relayed, or Kafka has not answered yet';
  return [
    ...problems,
    { code: 'spooling', why: `${waiting} records wait for Kafka, the first for ${seconds} s: ${why}` },
  ];
}

/** What the relay's thread is started with. */
export type RelayWork = {
  readonly id: string;
  readonly path: string;
  readonly folder: string;
  readonly kafka: KafkaConnection;
  /** As `SpoolRelayOptions`. */
  readonly dropBeyondBytes: number | null;
};

/** What the thread reports twice a second. */
export type RelayState = {
  readonly trouble: PlainError | null;
  /** Why a record was set aside since the last time; `null` when none was. */
  readonly setAside: string | null;
  /** The ledgers of spools that others left behind. */
  readonly adopted: readonly SpoolLedger[];
};

type RelayWorker = {
  /** Why records are not relayed; `null` when no reason is known. */
  readonly trouble: () => SamsaError | null;
  /** The ledgers of spools that others left behind. */
  readonly adopted: () => readonly SpoolLedger[];
  /** Lets it empty the spool, and ends it by force after `withinMs`. */
  readonly close: (withinMs: number) => Promise<void>;
};

/** In a smaller young generation, records in flight would be copied again and again. */
const youngGenerationMiB = 24;

type RelayListener = {
  /** Called once with each kind of trouble, and with `null` when it is over. */
  readonly onProblem: (problem: SamsaError | null) => void;
  /** Called once when records were refused. */
  readonly onSetAside: (why: string) => void;
};

/** Starts the thread, and starts it again if it ends. */
function startRelayWorker(work: RelayWork, { onProblem, onSetAside }: RelayListener): RelayWorker {
  const tell = onlyChanges(onProblem);
  let saidSetAside = false;
  let adopted: readonly SpoolLedger[] = [];
  let trouble: SamsaError | null = null;

  const onTrouble = (reported: SamsaError | null): void => {
    trouble = reported;
    tell(reported);
  };

  const { close } = startWorker<never, RelayState>({
    entry: new URL('./relay-thread.ts', import.meta.url),
    name: 'spool-relay',
    data: work,
    youngGenerationMiB,
    onMessage: (state) => {
      ({ adopted } = state);
      onTrouble(state.trouble && (fromPlainError(state.trouble) as SamsaError));
      if (state.setAside === null || saidSetAside) return;
      saidSetAside = true;
      onSetAside(state.setAside);
    },
    onEnd: (cause) => onTrouble(ended(work.path, cause)),
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
