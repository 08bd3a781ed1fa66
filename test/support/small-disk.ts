import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A separate file system in memory, with this many megabytes. */
type SmallDisk = {
  readonly folder: string;
  /** Leaves no byte free. */
  readonly fill: () => void;
  /** Frees what `fill` took. */
  readonly free: () => void;
  /** Unmounts it; all files on it must be closed. */
  readonly remove: () => void;
};

/** @throws Error when this user may not mount: run the tests in `unshare --map-root-user --mount` then. */
export function makeSmallDisk(megabytes: number): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'samsa-disk-'));
  run('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700`, 'tmpfs', folder);
  const filler = join(folder, 'filler');
  return {
    folder,
    fill: () => {
      const file = openSync(filler, 'a');
      try {
        for (const bytes of [1 << 20, 4096, 1]) writeUntilFull(file, Buffer.alloc(bytes));
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(filler),
    remove: () => {
      run('umount', folder);
      rmdirSync(folder);
    },
  };
}

function writeUntilFull(file: number, bytes: Buffer): void {
  for (;;) {
    try {
      writeSync(file, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return;
      throw error;
    }
  }
}

function run(command: string, ...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return;
  throw new Error(
    `expected to be allowed to ${command} a small disk, got: ${error?.message ?? stderr}. ` +
      'Run the tests as root, or in `unshare --map-root-user --mount`.',
  );
}
