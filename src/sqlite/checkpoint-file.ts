import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** One SQLite file that is checkpointed by another thread than its writers. */
export type CheckpointedFile = {
  /**
   * To be called often. Writes what was committed into the file, every `intervalMs` or as soon as the write-ahead log is
   * longer than `limitBytes`. Does nothing while the file is missing.
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
/** A log that starts over keeps its length. When it is this many times its limit, truncating is worth the longer wait. */
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
