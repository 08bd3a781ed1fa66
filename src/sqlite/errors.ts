import { reason, SamsaError } from '../errors.ts';

const sqliteBusy = 5;

const temporary: ReadonlyMap<number, string> = new Map([
  [sqliteBusy, 'another process is writing'],
  [8, 'the file is read-only'],
  [10, 'the disk reports an error'],
  [13, 'the disk is full'],
  [14, 'the file cannot be opened'],
]);

const notADatabase = 26;
/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const damaging: ReadonlySet<number> = new Set([11, notADatabase]);

/** Translates a SQLite error: to `store-damaged`, or to `store-unavailable` when the same may succeed later. */
export function storeError(path: string, error: unknown): unknown {
  const code = resultCode(error) ?? 0;
  if (damaging.has(code)) return damageError(path, error);
  const problem = temporary.get(code);
  if (problem === undefined) return error;
  return new SamsaError('store-unavailable', `${path}: ${problem}`, { cause: error, retryable: true });
}

function damageError(path: string, cause: unknown): SamsaError {
  return new SamsaError(
    'store-damaged',
    `${path}: expected a whole SQLite file, got a damaged one (${reason(cause)}). Stop Samsa and put a backup in its ` +
      'place. What was made from the event log can be made again: samsa rebuild trend, recommendation or search.',
    { cause },
  );
}

/** Whether the file itself is broken, so that waiting does not help; also for an error from `storeError`. */
export function isDamage(error: unknown): boolean {
  return error instanceof SamsaError ? error.code === 'store-damaged' : damaging.has(resultCode(error) ?? 0);
}

/** Whether another connection's lock is the reason; also for an error from `storeError`. */
export function isBusy(error: unknown): boolean {
  return resultCode(error) === sqliteBusy || (error instanceof SamsaError && resultCode(error.cause) === sqliteBusy);
}

/** Whether the file is something else than a SQLite database; not for an error from `storeError`. */
export function isNotADatabase(error: unknown): boolean {
  return resultCode(error) === notADatabase;
}

/** SQLite's primary result code without the extended part; `null` for any other error. */
function resultCode(error: unknown): number | null {
  const code = (error as { errcode?: unknown } | null | undefined)?.errcode;
  return typeof code === 'number' ? code & 0xff : null;
}

/** Translates an error of opening a file. */
export function openError(path: string, error: unknown): SamsaError {
  if (error instanceof SamsaError) return error;
  if (isBusy(error) || isDamage(error)) return storeError(path, error) as SamsaError;
  return new SamsaError(
    'data-folder-unusable',
    `${path}: expected a SQLite file that can be written, got: ${reason(error)}. ` +
      'Check the folder, its permissions and free space, or choose another with SAMSA_DATA.',
    { cause: error },
  );
}

/**
 * What an error of the file that holds a log means to users of the log: `log-unavailable` where a store is unavailable.
 */
export function logError(path: string, error: unknown): unknown {
  const known = storeError(path, error);
  if (!(known instanceof SamsaError) || known.code !== 'store-unavailable') return known;
  return new SamsaError('log-unavailable', known.message, { cause: known.cause, retryable: known.retryable });
}
