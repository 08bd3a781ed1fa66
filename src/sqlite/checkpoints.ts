import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { SamsaError } from '../errors.ts';
import { startWorker } from '../runtime/threads.ts';

export type CheckpointOptions = {
  /**
   * Called when a file's checkpoints or a chore begin to fail (they are retried), and when the thread has ended: then
   * write-ahead logs grow until it is started again.
   */
  readonly onProblem: (problem: SamsaError) => void;
  /** Default 500. */
  readonly intervalMs?: number;
  /** The length at which writers wait once, so that the write-ahead log can start over. Default 32 MiB. */
  readonly limitBytes?: number;
  /** Other slow work on the same files, one at a time on the same thread. */
  readonly chores?: readonly Chore[];
};

/** Repeated work, first after `everyMs`. */
export type Chore = {
  /**
   * URL of a module whose default export is a function of `argument` and a signal that returns a promise. It
   * should resolve soon after the signal has fired, since `close` waits for it.
   */
  readonly module: string;
  readonly argument: string;
  readonly everyMs: number;
};

/** What the thread is started with, and its messages: the name of what began to fail, and why. */
export type CheckpointWork = {
  readonly files: readonly string[];
  readonly intervalMs: number;
  readonly limitBytes: number;
  readonly chores: readonly Chore[];
};
export type CheckpointTrouble = { readonly failing: string; readonly why: string };

type RunningCheckpoints = {
  /**
   * Ends the thread when its current work is done. Close the files' other connections first: the last one checkpoints.
   */
  readonly close: () => Promise<void>;
};

/**
 * Starts a thread that checkpoints SQLite files, so that no commit elsewhere pays for it (open those with
 * `checkpointedElsewhere`). Files may be created later. The thread does not keep the process alive.
 */
export function startCheckpoints(files: readonly string[], options: CheckpointOptions): RunningCheckpoints {
  const { intervalMs = 500, limitBytes = 32 << 20, chores = [] } = options;
  const data: CheckpointWork = { files, intervalMs, limitBytes, chores };
  const { close } = startWorker<never, CheckpointTrouble>({
    entry: new URL('./checkpoint-thread.ts', import.meta.url),
    name: 'checkpoints',
    data,
    youngGenerationMiB: 1,
    oldGenerationMiB: 32,
    onMessage: ({ failing, why }) => options.onProblem(problem(`${failing}: ${why}`)),
    onEnd: (cause) => options.onProblem(problem('the checkpoint thread has ended', cause)),
    keepsProcessAlive: false,
  });
  return { close: () => close() };
}

function problem(what: string, cause?: unknown): SamsaError {
  const why = cause instanceof Error ? ` (${cause.message})` : '';
  return new SamsaError('store-unavailable', `${what}${why}; write-ahead logs grow meanwhile`, {
    cause,
    retryable: true,
  });
}

/** A SQLite file. This thread checkpoints it; other threads write it. */
type CheckpointedFile = {
  /**
   * To be called often. Writes what was committed into the file, every `intervalMs` or as soon as the write-ahead log
   * is longer than `limitBytes`. Does nothing while the file is missing.
   * @throws SQLite's errors; the next call tries again.
   */
  readonly checkpoint: () => void;
  readonly close: () => void;
};

/** How long writers may wait while their log starts over. */
const holdUpMs = 50;
const frameHeaderBytes = 24;
const mostPasses = 5;
const shortPassBytes = 1 << 20;
/**
 * A log that starts over keeps its length on disk. When that is this many times the limit, it is truncated, which takes
 * longer.
 */
const cutAtLimits = 4;

/**
 * Passive checkpoints never block a writer, but under steady writes they never let the write-ahead log start over. So
 * past the limit they are repeated until little is left, and then a blocking one restarts the log.
 */
export function createCheckpointedFile(path: string, intervalMs: number, limitBytes: number): CheckpointedFile {
  let connection: DatabaseSync | null = null;
  let identity: string | null = null;
  let written = { version: -1, atMs: 0 };

  const close = (): void => {
    connection?.close();
    connection = null;
    written = { version: -1, atMs: 0 };
  };

  /** The file may be removed and created again, as a search index is. */
  const connect = (): DatabaseSync | null => {
    const found = identityOf(path);
    if (connection !== null && found !== identity) close();
    if (found === null || connection !== null) return connection;
    identity = found;
    connection = new DatabaseSync(path, { timeout: holdUpMs });
    connection.exec('PRAGMA cache_size = -64');
    return connection;
  };

  return {
    checkpoint: () => {
      const database = connect();
      if (database === null) return;
      const version = pragma(database, 'data_version')['data_version']!;
      if (version === written.version) return;
      const isLong = run(database, 'NOOP').bytes > limitBytes;
      if (!isLong && performance.now() - written.atMs < intervalMs) return;
      const { complete } = isLong ? restart(database, limitBytes) : run(database, 'PASSIVE');
      written = { version: complete ? version : -1, atMs: performance.now() };
    },
    close,
  };
}

/** A new file may get the inode number of a removed one, but not its creation time. */
function identityOf(path: string): string | null {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? null : `${found.ino} ${found.birthtimeNs}`;
}

type Checkpoint = {
  /** Length of what the write-ahead log holds. */
  readonly bytes: number;
  /** Whether all of it has been written into the file. */
  readonly complete: boolean;
};

function run(database: DatabaseSync, mode: 'NOOP' | 'PASSIVE' | 'RESTART' | 'TRUNCATE'): Checkpoint {
  const { busy, log, checkpointed } = pragma(database, `wal_checkpoint(${mode})`);
  const frameBytes = pragma(database, 'page_size')['page_size']! + frameHeaderBytes;
  return { bytes: log! * frameBytes, complete: busy === 0 && checkpointed === log };
}

function restart(database: DatabaseSync, limitBytes: number): Checkpoint {
  let { bytes } = run(database, 'PASSIVE');
  for (let pass = 1; pass < mostPasses; pass++) {
    const before = bytes;
    ({ bytes } = run(database, 'PASSIVE'));
    if (bytes - before < shortPassBytes) break;
  }
  return run(database, bytes > cutAtLimits * limitBytes ? 'TRUNCATE' : 'RESTART');
}

function pragma(database: DatabaseSync, name: string): Record<string, number> {
  return database.prepare(`PRAGMA ${name}`).get() as Record<string, number>;
}
