import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { reason, SamsaError } from '../errors.ts';
import { requireRegularFile } from '../runtime/files.ts';
import { isDamage } from '../sqlite/errors.ts';
import { takeFileLock, type FileLock, type LockHolder, type LockOptions } from '../sqlite/file-lock.ts';

/**
 * Creates the folder, readable by its owner only, if it is missing, and checks that files can be written to it.
 * @throws SamsaError `data-folder-unusable`
 */
export function openDataFolder(folder: string): void {
  const probe = join(folder, `.writable-${process.pid}-${randomBytes(4).toString('hex')}`);
  try {
    keepPrivate(folder);
    makeFolder(folder);
    writeFileSync(probe, 'x', { flag: 'wx' });
    rmSync(probe);
  } catch (error) {
    throw unusable(folder, error);
  }
}

/** Makes what this process creates from now on, and the data files that exist, readable by their owner only. */
function keepPrivate(folder: string): void {
  if (isMainThread) process.umask(0o077);
  for (const entry of readdirOf(folder)) {
    if (!/\.sqlite|^secret$|^spool$/.test(entry)) continue;
    const path = join(folder, entry);
    // A link may lead to a file that is not there yet.
    const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
    if ((mode & 0o077) !== 0) chmodSync(path, mode & 0o700);
  }
}

function readdirOf(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/**
 * Creates the folders above it, too. Node's own recursive `mkdir` loops for ever on file systems that say ENOENT
 * although the parent exists, and reports a read-only file system as ENOENT.
 */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  const above = dirname(folder);
  if (above !== folder) makeFolder(above);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Another process may have created it meanwhile. A file in its place shows when the probe is written.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

const secretForm = /^[0-9a-f]{64}$/;
const secretPath = (folder: string): string => join(folder, 'secret');

/**
 * The secret this shop signs cookies with: 32 random bytes as hex, created once and kept in `<folder>/secret`, readable
 * by its owner only. Processes that ask at the same time get the same one.
 * @param onLost called when a new one is made although a shop has run in this folder.
 * @throws SamsaError `data-folder-unusable` when it cannot be read or made, or holds something else.
 */
export function readOrMakeSecret(folder: string, onLost: () => void): string {
  const kept = readSecret(folder);
  if (kept === null && existsSync(join(folder, 'search-index.sqlite'))) onLost();
  const secret = kept ?? keepSecret(folder, randomBytes(32).toString('hex'));
  if (secret !== null && secretForm.test(secret)) return secret;
  throw new SamsaError(
    'data-folder-unusable',
    `${secretPath(folder)}: expected 64 hexadecimal digits, got something else. Restore it from a backup, or delete it: ` +
      'a new one is made, and readers get new ids.',
  );
}

/** @returns the content of the file, `null` without a file. @throws SamsaError `data-folder-unusable` */
export function readSecret(folder: string): string | null {
  const path = secretPath(folder);
  try {
    requireRegularFile(path);
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unusable(path, error);
  }
}

/**
 * Keeps a secret in a folder that has none. Creating a link is atomic, and succeeds for one of several processes; the
 * others read that file.
 * @returns what the file holds now; `null` when `secret` is not 64 hexadecimal digits, which a file must hold.
 * @throws SamsaError `data-folder-unusable`
 */
export function keepSecret(folder: string, secret: string): string | null {
  if (!secretForm.test(secret)) return null;
  const path = secretPath(folder);
  const draft = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    writeFileSync(draft, `${secret}\n`, { flag: 'wx', mode: 0o600, flush: true });
    try {
      linkSync(draft, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw unusable(path, error);
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Lets one `name` at a time run on the folder, until `release` or any end of the process.
 * @throws SamsaError `already-running`, naming the holder; `data-folder-unusable`
 */
export function lockDataFolder(folder: string, name: string, by: LockOptions): FileLock {
  const lock = takeLock(join(folder, `${name}.lock`), by);
  if ('holder' in lock) throw alreadyRunning(folder, lock.holder);
  return lock;
}

function takeLock(path: string, by: LockOptions): ReturnType<typeof takeFileLock> {
  try {
    return takeFileLock(path, by);
  } catch (error) {
    if (!isDamage(error)) throw unusable(path, error);
    throw new SamsaError(
      'data-folder-unusable',
      `${path}: expected a lock of a shop, got something else. Delete it when no process uses this folder: it holds no data.`,
      { cause: error },
    );
  }
}

function alreadyRunning(folder: string, holder: LockHolder | null): SamsaError {
  const who =
    holder === null
      ? 'another process'
      : `"${holder.command}" (process ${holder.pid}, since ${new Date(holder.sinceMs).toISOString()})`;
  return new SamsaError(
    'already-running',
    `${folder}: expected a data folder that no other process of a shop uses, but ${who} uses it. ` +
      'Stop that one, or give this one another folder and other ports with SAMSA_DATA, SAMSA_APP_PORT, ' +
      'SAMSA_TREND_PORT and SAMSA_RECOMMENDATION_PORT.',
  );
}

const faults: Readonly<Record<string, string>> = {
  EACCES: 'no permission to write there',
  EDQUOT: 'the disk quota is used up',
  EEXIST: 'there is a file in its place',
  EISDIR: 'there is a folder where a file belongs',
  ENAMETOOLONG: 'the name is too long',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'there is a file in its place or above it',
  EPERM: 'no permission to write there',
  EROFS: 'the file system is read-only',
};

function unusable(path: string, error: unknown): SamsaError {
  const { code } = error as NodeJS.ErrnoException;
  const fault = (code === undefined ? undefined : faults[code]) ?? reason(error);
  return new SamsaError(
    'data-folder-unusable',
    `${path}: expected a place this process can write to, but ${fault}. Fix that, or choose another folder with SAMSA_DATA.`,
    { cause: error },
  );
}
