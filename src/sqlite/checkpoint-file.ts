import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** One SQLite file whose write-ahead log is carried into it by somebody other than its writers. */
export type CheckpointedFile = {
  /**
   * To be called often. Carries over what was committed, every `intervalMs` or as soon as the write-ahead log is
   * longer than `limitBytes`; does nothing while the file is not there.
   * @throws whatever SQLite has to say; the next call tries again.
   */
  readonly checkpoint: () => void;
  readonly close: () => void;
};

/** How long writers may be held up while their log starts over. */
const holdUpMs = 50;
const frameHeaderBytes = 24;
const mostPasses = 5;
const shortPassBytes = 1 << 20;
/** A log that starts over keeps its length; so much longer than its limit it is worth the longer pause to cut it. */
const cutAtLimits = 4;

/**
 * Passive checkpoints disturb nobody, but under steady writes they never let the write-ahead log start over. So past
 * the limit they are repeated until little is left, and then one that holds writers up for that little restarts it.
 */
export function createCheckpointedFile(path: string, intervalMs: number, limitBytes: number): CheckpointedFile {
  let connection: DatabaseSync | null = null;
  let identity: string | null = null;
  let carried = { version: -1, atMs: 0 };

  const close = (): void => {
    connection?.close();
    connection = null;
    carried = { version: -1, atMs: 0 };
  };

  /** The file may be removed and made anew, as a search index is. */
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
      if (version === carried.version) return;
      const isLong = run(database, 'NOOP').bytes > limitBytes;
      if (!isLong && performance.now() - carried.atMs < intervalMs) return;
      const { complete } = isLong ? restart(database, limitBytes) : run(database, 'PASSIVE');
      carried = { version: complete ? version : -1, atMs: performance.now() };
    },
    close,
  };
}

/** A new file may get the number of the one that was removed just before it, but not its time of birth. */
function identityOf(path: string): string | null {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? null : `${found.ino} ${found.birthtimeNs}`;
}

type Checkpoint = {
  /** Length of what the write-ahead log held. */
  readonly bytes: number;
  /** Whether all of it has been carried over. */
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
