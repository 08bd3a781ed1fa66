import type { Config } from '../../config/config.ts';
import type { SamsaError } from '../../errors.ts';
import { createBookSearchedDecoder, decodingOnce, type SearchDecoder } from '../../events/book-searched.ts';
import type { EventLog } from '../../log/log.ts';
import { openLog, shareReads } from '../../log/open-log.ts';
import { logLocation } from './shop-places.ts';

/** What a service that listens to the log gets its events with. */
export type Reading = { readonly log: EventLog; readonly decodeSearch: SearchDecoder };

/** Of these services no answer waits while they write. */
export const busyTimeoutMs = 1_000;

/** For one service alone. @throws SamsaError as `openLog`. */
export async function openReading(
  config: Config,
  onProblem: (problem: SamsaError | null) => void,
  checkpointedElsewhere = false,
): Promise<Reading> {
  const log = await openLog(logLocation(config), {
    clock: Date.now,
    busyTimeoutMs,
    checkpointedElsewhere,
    onProblem,
  });
  return { log, decodeSearch: createBookSearchedDecoder() };
}

/**
 * For several services on one thread of a whole shop, which looks after the log's file on another one: each event is
 * read and decoded once for all of them. @throws SamsaError as `openLog`.
 */
export async function openSharedReading(
  config: Config,
  onProblem: (problem: SamsaError | null) => void,
): Promise<Reading> {
  const { log, decodeSearch } = await openReading(config, onProblem, true);
  return { log: shareReads(log), decodeSearch: decodingOnce(decodeSearch) };
}
