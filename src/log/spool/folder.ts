import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { takeFileLock } from '../../runtime/files.ts';
import { removeSqliteFile } from '../../sqlite/file.ts';
import { reason, SamsaError } from '../../errors.ts';

/** A spool locked for this owner until `release` or the end of this process. */
export type ClaimedSpool = {
  readonly id: string;
  readonly path: string;
  readonly release: () => void;
  /** Deletes the spool, which must be closed, and releases it. */
  readonly remove: () => void;
};

export type SpoolFolder = {
  /** A spool that no process has locked, or a new one. @throws SamsaError `data-folder-unusable`. */
  readonly claimAny: () => ClaimedSpool;
  /** Locks every free spool, one after the other. @throws SamsaError `data-folder-unusable`. */
  readonly claimFree: () => Generator<ClaimedSpool>;
};

const ending = '.sqlite';

/** The spools of all processes on one data folder: `<id>.sqlite`, each with a lock file beside it. */
export function openSpoolFolder(folder: string, clock: () => number): SpoolFolder {
  const by = { command: 'the spool in front of Kafka', clock, patienceMs: 0 };

  const claim = (id: string, isNew: boolean): ClaimedSpool | null => {
    const path = join(folder, id + ending);
    const lockPath = join(folder, `${id}.lock`);
    const lock = takeFileLock(lockPath, by);
    if ('holder' in lock) return null;
    // Its owner may have emptied and deleted it meanwhile.
    if (!isNew && !existsSync(path)) {
      lock.release();
      return null;
    }
    const remove = (): void => {
      removeSqliteFile(path);
      rmSync(lockPath, { force: true });
      lock.release();
    };
    return { id, path, release: lock.release, remove };
  };

  function* claimFree(): Generator<ClaimedSpool> {
    for (const name of orUnusable(folder, () => readdirSync(folder)).toSorted()) {
      if (!name.endsWith(ending)) continue;
      const claimed = orUnusable(folder, () => claim(name.slice(0, -ending.length), false));
      if (claimed !== null) yield claimed;
    }
  }

  return {
    claimAny: () => {
      orUnusable(folder, () => mkdirSync(folder, { recursive: true, mode: 0o700 }));
      for (const free of claimFree()) return free;
      return orUnusable(folder, () => claim(randomBytes(6).toString('hex'), true))!;
    },
    claimFree,
  };
}

function orUnusable<Result>(folder: string, use: () => Result): Result {
  try {
    return use();
  } catch (error) {
    if (error instanceof SamsaError) throw error;
    throw new SamsaError(
      'data-folder-unusable',
      `${folder}: expected a folder for spools that this process can write to, got: ${reason(error)}. ` +
        'Mend that, or choose another folder with SAMSA_DATA.',
      { cause: error },
    );
  }
}
