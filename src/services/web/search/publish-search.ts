import type { Logger } from 'pino';
import { reason } from '../../../errors.ts';
import { bookSearchedRecord, type SearchContext, type SearchKeyFormat } from '../../../events/book-searched.ts';
import { decodeEnvelope, encodeEnvelope, renumbered, type EventSource } from '../../../events/envelope.ts';
import type { NewRecord } from '../../../events/record.ts';
import type { EventLog } from '../../../log/log.ts';
import { isRetryable, backoffMs, pause, within } from '../../../runtime/waiting.ts';

/**
 * Publishes one search: the trimmed query and the answer's own bytes, a JSON array of books. Resolves when the event is
 * durable. If the log cannot be written, resolves after the deadline, and the event waits in memory.
 * @returns false when the event is lost: nothing will send it later. Never rejects.
 */
export type SendEvent = (key: string, value: Uint8Array, context?: SearchContext) => Promise<boolean>;

export type SearchPublisher = {
  readonly sendEvent: SendEvent;
  /** How many searches were answered while their event is in memory only: a kill would lose it. */
  readonly waiting: () => number;
  readonly ledger: () => SearchLedger;
  /** Tries for at most two seconds to write the events that wait. May be called twice. */
  readonly close: () => Promise<void>;
};

/** What became of the searches since the start: accepted = published + dropped + waiting, each counted separately. */
export type SearchLedger = {
  readonly accepted: number;
  readonly published: number;
  /** Lost: beyond the bound, refused by the log, or still waiting at `close`. */
  readonly dropped: number;
  /** In flight, or kept for a log that cannot be written. */
  readonly waiting: number;
};

export type SearchPublisherDeps = {
  readonly log: EventLog;
  readonly topic: string;
  readonly source: EventSource;
  /** `query` unless given. */
  readonly keyFormat?: SearchKeyFormat;
  readonly logger: Logger;
  /** How long a search waits for its event; 250 unless given. */
  readonly deadlineMs?: number;
  /** How many events may wait in memory; 10,000 unless given. */
  readonly waitingRecords?: number;
  /** From 0 to below 1; spreads the further attempts to write. */
  readonly random?: () => number;
};

const anonymous: SearchContext = { reader: null, weight: 1, corrected: null, total: 0 };
const recordsPerAttempt = 500;
const patienceAtCloseMs = 2_000;
const backoff = { firstMs: 100, mostMs: 2_000 };

/**
 * Events are numbered in the order of the calls. One that the log refused gets a new number when it is sent again, and
 * keeps its id and time. With its old number it would count as a repeat, because later numbers may have arrived
 * meanwhile.
 */
export function createSearchPublisher(deps: SearchPublisherDeps): SearchPublisher {
  const {
    log,
    topic,
    source,
    logger,
    keyFormat = 'query',
    deadlineMs = 250,
    waitingRecords = 10_000,
    random = Math.random,
  } = deps;
  const refused: NewRecord[] = [];
  const stopping = new AbortController();
  let accepted = 0;
  let published = 0;
  let inFlight = 0;
  let overdue = 0;
  let dropped = 0;
  let isNotDurable = false;
  let retrying: Promise<void> | null = null;
  let closing: Promise<void> | null = null;

  const drop = (count: number, why: string): false => {
    if (count > 0 && (dropped === 0 || count > 1)) logger.error({ count, why }, 'search events are lost');
    dropped += count;
    return false;
  };

  /** Logs once when an event is in memory only, and once when none is. */
  const tellDurability = (): void => {
    const waiting = overdue + refused.length;
    if (waiting > 0 === isNotDurable) return;
    isNotDurable = waiting > 0;
    if (!isNotDurable) logger.info({ topic }, 'all search events are on disk again');
    else logger.warn({ topic }, 'the log cannot be written: search events wait in memory, and a kill would lose them');
  };

  const keep = (record: NewRecord): boolean => {
    if (overdue + refused.length >= waitingRecords) return drop(1, `${waitingRecords} events wait already`);
    refused.push(record);
    tellDurability();
    retrying ??= retry();
    return true;
  };

  const append = async (record: NewRecord): Promise<boolean> => {
    inFlight++;
    try {
      await log.append([record]);
      published++;
      return true;
    } catch (error) {
      return isRetryable(error) && closing === null ? keep(record) : drop(1, reason(error));
    } finally {
      inFlight--;
    }
  };

  const retry = async (): Promise<void> => {
    let failures = 0;
    while (refused.length > 0 && !stopping.signal.aborted) {
      const records = refused.slice(0, recordsPerAttempt).map((record) => toSendLater(record, source));
      try {
        await log.append(records);
        published += refused.splice(0, records.length).length;
        failures = 0;
      } catch (error) {
        if (!isRetryable(error)) drop(refused.splice(0, records.length).length, reason(error));
        await pause(backoffMs(++failures, backoff, random), stopping.signal);
      }
    }
    retrying = null;
    tellDurability();
  };

  const finish = async (): Promise<void> => {
    const timeout = setTimeout(() => stopping.abort(), patienceAtCloseMs);
    await retrying;
    clearTimeout(timeout);
    drop(refused.splice(0).length, 'the service stopped before the log could be written');
  };

  return {
    sendEvent: async (key, value, context = anonymous) => {
      accepted++;
      if (closing !== null) return drop(1, 'the service is stopping');
      const record = bookSearchedRecord(topic, source, { query: key, value, keyFormat, ...context });
      if (refused.length > 0) return keep(record);
      if (overdue >= waitingRecords) return drop(1, `${waitingRecords} events wait already`);
      const appended = append(record);
      const inTime = overdue === 0 ? await within(deadlineMs, appended) : undefined;
      if (inTime !== undefined) return inTime;
      overdue++;
      tellDurability();
      void appended.then(() => {
        overdue--;
        tellDurability();
      });
      return true;
    },
    waiting: () => overdue + refused.length,
    ledger: () => ({ accepted, published, dropped, waiting: inFlight + refused.length }),
    close: () => (closing ??= finish()),
  };
}

function toSendLater(record: NewRecord, source: EventSource): NewRecord {
  const envelope = decodeEnvelope(record.headers);
  return envelope === null ? record : { ...record, headers: encodeEnvelope(renumbered(envelope, source)) };
}
