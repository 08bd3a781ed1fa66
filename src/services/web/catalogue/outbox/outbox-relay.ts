import { setImmediate as eventLoopTurn, setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { isFromLog, reason, SamsaError } from '../../../../errors.ts';
import { bookChangedRecord } from '../../../../events/book-changed.ts';
import { createEventSource } from '../../../../events/envelope.ts';
import type { EventLog } from '../../../../log/log.ts';
import { backoffMs, pause, within } from '../../../../runtime/waiting.ts';
import type { Outbox, OutboxRow } from './outbox.ts';

export type OutboxRelayDeps = {
  readonly outbox: Outbox;
  readonly log: EventLog;
  /** The topic of book changes, as this shop names it. */
  readonly topic: string;
  /** Unique among all relays that ever run: instance name and something random. */
  readonly owner: string;
  readonly clock: () => number;
  readonly logger: Logger;
  readonly leaseMs?: number;
  /** How long the oldest change may wait before `outbox-waiting` says so. Default: 30,000. */
  readonly waitingMs?: number;
};

type RelayProblem = 'log-unavailable' | 'store-unavailable' | 'outbox-waiting';

export type OutboxRelay = {
  /** Why changes of books do not reach the log now; empty when they do. */
  readonly problems: () => readonly RelayProblem[];
  /**
   * Resolves when the outbox is empty. `onWaiting` gets the number of rows left about every 50 ms.
   * @throws SamsaError `store-unavailable` (retryable) after `withinMs`; the rows stay and are relayed later.
   */
  readonly drain: (withinMs: number, onWaiting?: (rows: number) => void) => Promise<void>;
  /** Waits for the batch in flight, at most three seconds. Changes that are not acknowledged stay in the outbox. */
  readonly close: () => Promise<void>;
};

/** The size of one batch, kept small so that turns of the event loop and commits stay short. */
const limits = { maxRows: 200, maxBytes: 512 * 1024 };
const idleMs = 1_000;
const backoff = { firstMs: 100, mostMs: 5_000 };
const heldElsewhereMs = 250;
const closeWithinMs = 3_000;

/**
 * Carries changes of books from the outbox to the log: appends them, and deletes them once they are acknowledged. When
 * a process dies in between, a change is appended twice. Consumers compare versions and apply it once.
 * The last record of a book must be its newest version, because compaction keeps only the last record. Therefore only
 * one relay appends at a time. A relay that was frozen for longer than its lease puts its books into the outbox again.
 * One case is not covered: a frozen relay appends late, and dies before it has put the books there again.
 * Returns at once. Failures show in `problems` and are tried again, with backoff and jitter.
 */
export function startOutboxRelay(deps: OutboxRelayDeps): OutboxRelay {
  const stopping = new AbortController();
  const givenUp = new AbortController();
  const relayBatch = createBatchRelay(deps, givenUp.signal);
  let problem: RelayProblem | null = null;

  const notice = (found: Exclude<RelayProblem, 'outbox-waiting'> | null, error?: unknown): void => {
    if (found === problem) return;
    problem = found;
    if (found === null) deps.logger.info('changes of books reach the log again');
    else deps.logger.warn({ error: reason(error) }, `changes of books wait in the outbox: ${found}`);
  };

  /** The oldest row that another relay should have delivered, and since when it has been the oldest. */
  let oldest: { readonly id: number; readonly sinceMs: number } | null = null;
  let isWaiting = false;
  const watchOldest = async (outcome: BatchOutcome): Promise<void> => {
    const [row] =
      outcome === 'held-elsewhere' ? await deps.outbox.read({ maxRows: 1, maxBytes: 1 }).catch(() => []) : [];
    if (row === undefined) oldest = null;
    else if (oldest?.id !== row.id) oldest = { id: row.id, sinceMs: performance.now() };
    const waits = oldest !== null && performance.now() - oldest.sinceMs > (deps.waitingMs ?? 30_000);
    if (waits && !isWaiting) deps.logger.warn('changes of books wait in the outbox: another process holds its lease');
    isWaiting = waits;
  };

  const relaying = (async () => {
    let failures = 0;
    while (!stopping.signal.aborted) {
      const { outcome, error } = await relayBatch();
      await watchOldest(outcome);
      failures = error === undefined ? 0 : failures + 1;
      if (outcome === 'log-unavailable' || outcome === 'store-unavailable') {
        notice(outcome, error);
        await pause(backoffMs(failures, backoff), stopping.signal);
        continue;
      }
      notice(null);
      if (outcome === 'relayed') await eventLoopTurn();
      else if (outcome === 'empty') await deps.outbox.changed(idleMs, stopping.signal).catch(() => delay(idleMs));
      else await pause(heldElsewhereMs, stopping.signal);
    }
  })();

  return {
    problems: () => [...(problem === null ? [] : [problem]), ...(isWaiting ? (['outbox-waiting'] as const) : [])],
    drain: (withinMs, onWaiting) => drain(deps.outbox, withinMs, onWaiting),
    close: async () => {
      stopping.abort();
      // A lease of 0 ms gives it back.
      const released = relaying.then(() => deps.outbox.lease(deps.owner, 0)).catch(() => {});
      await within(closeWithinMs, released);
      givenUp.abort();
    },
  };
}

type BatchOutcome = 'relayed' | 'empty' | 'held-elsewhere' | 'log-unavailable' | 'store-unavailable';

/** Holds the lease, reads a batch, appends it, deletes it. Never throws. @param signal ends renewing the lease. */
function createBatchRelay(
  deps: OutboxRelayDeps,
  signal: AbortSignal,
): () => Promise<{ outcome: BatchOutcome; error?: unknown }> {
  const { outbox, log, topic, owner, clock, logger } = deps;
  const lease = createRelayLease({ outbox, owner, leaseMs: deps.leaseMs ?? 5_000, clock, signal });
  let changedMs = 0;
  const source = createEventSource('catalogue', () => changedMs);
  let acknowledged: readonly number[] = [];
  /** Books for which another relay may have appended a newer version before our older one. */
  let overtaken: readonly number[] = [];

  const toRecord = (row: OutboxRow) => {
    changedMs = row.changedMs;
    return bookChangedRecord(topic, source, row.change);
  };

  /** Finishes an appended batch. Nothing else is appended before that. */
  const settle = async (): Promise<void> => {
    if (overtaken.length > 0) await outbox.putAgain(overtaken);
    overtaken = [];
    if (acknowledged.length > 0) await outbox.remove(acknowledged);
    acknowledged = [];
  };

  const append = async (rows: readonly OutboxRow[]): Promise<void> => {
    const wasHeld = await lease.holdDuring(log.append(rows.map(toRecord)));
    acknowledged = rows.map(({ id }) => id);
    if (wasHeld) return;
    overtaken = [...new Set(rows.map(({ change }) => change.bookId))];
    logger.warn({ books: overtaken.length }, 'changes of books reached the log late: their newest versions follow');
  };

  const relay = async (): Promise<BatchOutcome> => {
    await settle();
    let rows = await outbox.read(limits);
    if (rows.length === 0) return 'empty';
    if (lease.isEnding()) {
      if (!(await lease.take())) return 'held-elsewhere';
      rows = await outbox.read(limits);
      if (rows.length === 0) return 'empty';
    }
    await append(rows);
    await settle();
    return 'relayed';
  };

  return async () => {
    try {
      return { outcome: await relay() };
    } catch (error) {
      return { outcome: isFromLog(error) ? 'log-unavailable' : 'store-unavailable', error };
    }
  };
}

async function drain(outbox: Outbox, withinMs: number, onWaiting?: (rows: number) => void): Promise<void> {
  const started = performance.now();
  for (;;) {
    const rows = await outbox.size();
    if (rows === 0) return;
    onWaiting?.(rows);
    if (performance.now() - started > withinMs) {
      throw new SamsaError(
        'store-unavailable',
        `${rows} changes of books are saved and not yet in the log after ${withinMs / 1000} s. ` +
          'Nothing is lost: a running shop delivers them, and so does the next import.',
        { retryable: true },
      );
    }
    await delay(50);
  }
}

export type RelayLeaseOptions = {
  readonly outbox: Outbox;
  readonly owner: string;
  readonly leaseMs: number;
  readonly clock: () => number;
  /** Ends renewing, also while work goes on. */
  readonly signal: AbortSignal;
};

/** One moment by two clocks. */
type Moment = { readonly wallMs: number; readonly monotonicMs: number };

/** The lease of one relay, as that relay knows it. */
export type RelayLease = {
  /** Whether less than half of its time is left. */
  readonly isEnding: () => boolean;
  /** Takes or renews it. @returns false while another relay holds it. */
  readonly take: () => Promise<boolean>;
  /**
   * Renews the lease until `work` is done, so that no other relay takes over from a running process.
   * @returns false when another relay may have held it meanwhile, because this process was frozen or the store was
   *   unavailable for longer than the lease.
   * @throws what `work` throws.
   */
  readonly holdDuring: (work: Promise<void>) => Promise<boolean>;
};

export function createRelayLease({ outbox, owner, leaseMs, clock, signal }: RelayLeaseOptions): RelayLease {
  let taken: Moment | null = null;
  const now = (): Moment => ({ wallMs: clock(), monotonicMs: performance.now() });
  /**
   * Uses the clock that advanced more: the wall clock may be set back, and the monotonic one stops while the machine
   * sleeps.
   */
  const isWithin = (ms: number): boolean =>
    taken !== null && now().wallMs - taken.wallMs <= ms && now().monotonicMs - taken.monotonicMs <= ms;

  const renew = async (): Promise<{ readonly isOurs: boolean; readonly wasOurs: boolean }> => {
    const asked = now();
    const isOurs = await outbox.lease(owner, leaseMs);
    // Between the end of the last lease and this one, another relay may have had it.
    const wasOurs = isOurs && isWithin(leaseMs);
    taken = isOurs ? asked : null;
    return { isOurs, wasOurs };
  };

  return {
    isEnding: () => !isWithin(leaseMs / 2),
    take: async () => (await renew()).isOurs,
    // AbortSignal.any is not used here: its listeners stay in memory until the next large garbage collection.
    holdDuring: async (work) => {
      let wasHeld = true;
      let renewing = Promise.resolve();
      const renewNow = async (): Promise<void> => {
        // While the store does not answer, the lease is ours until it expires.
        const { wasOurs } = await renew().catch(() => ({ wasOurs: true }));
        wasHeld &&= wasOurs;
      };
      const timer = setInterval(() => {
        renewing = renewing.then(renewNow);
      }, leaseMs / 2);
      const stop = (): void => clearInterval(timer);
      signal.addEventListener('abort', stop);
      if (signal.aborted) stop();
      try {
        await work;
        return wasHeld && isWithin(leaseMs);
      } finally {
        stop();
        signal.removeEventListener('abort', stop);
        await renewing;
      }
    },
  };
}
