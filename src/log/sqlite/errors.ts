import { SamsaError } from '../../errors.ts';
import { storeError } from '../../sqlite/errors.ts';

/** What an error of the file that holds a log means to users of the log: `log-unavailable` where a store is unavailable. */
export function logError(path: string, error: unknown): unknown {
  const known = storeError(path, error);
  if (!(known instanceof SamsaError) || known.code !== 'store-unavailable') return known;
  return new SamsaError('log-unavailable', known.message, { cause: known.cause, retryable: known.retryable });
}
