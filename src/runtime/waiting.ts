import { setTimeout as delay } from 'node:timers/promises';
import { SamsaError } from '../errors.ts';

/** Resolves after `ms` milliseconds, or as soon as the signal fires. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal === undefined) await delay(ms);
  else await delay(ms, undefined, { signal }).catch(() => {});
}

/**
 * Resolves with `promise`, or with `undefined` after `ms` milliseconds.
 * @throws what `promise` throws until then.
 */
export function within<Result>(ms: number, promise: Promise<Result>): Promise<Result | undefined> {
  const { promise: first, resolve, reject } = Promise.withResolvers<Result | undefined>();
  const timeout = setTimeout(resolve, ms, undefined);
  void promise.then(resolve, reject).then(() => clearTimeout(timeout));
  return first;
}

/** How long to wait between attempts, before jitter. */
type Backoff = { readonly firstMs: number; readonly mostMs: number };

/**
 * How long to wait after this many failures in a row (the first is 1): `firstMs`, doubled with every further failure up
 * to `mostMs`. Up to half of it is random, so that callers that failed together do not retry together.
 */
export function backoffMs(failures: number, { firstMs, mostMs }: Backoff, random: () => number = Math.random): number {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return full / 2 + random() * (full / 2);
}

type RetryOptions = {
  /** Whether the same attempt may succeed later. Default: a SamsaError that says so. */
  readonly isTemporary?: (error: unknown) => boolean;
  /** Default: 10–50 ms. */
  readonly backoff?: Backoff;
  /** Default: no bound. */
  readonly attempts?: number;
  /** After this long no further attempt begins. Default: no bound. */
  readonly withinMs?: number;
};

const briefly: Backoff = { firstMs: 10, mostMs: 50 };

/**
 * Makes an attempt, and further ones after a jittered, growing pause while the failure may pass.
 * @throws what the last attempt threw.
 */
export async function retry<Result>(
  attempt: () => Result | Promise<Result>,
  options: RetryOptions = {},
): Promise<Result> {
  const { isTemporary = isRetryable, backoff = briefly } = options;
  const { attempts = Number.POSITIVE_INFINITY, withinMs = Number.POSITIVE_INFINITY } = options;
  const startedMs = performance.now();
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      const isOver = failures >= attempts || performance.now() - startedMs > withinMs;
      if (isOver || !isTemporary(error)) throw error;
    }
    await pause(backoffMs(failures, backoff));
  }
}

/** Whether an error says that the same attempt may succeed later. */
export function isRetryable(error: unknown): boolean {
  return error instanceof SamsaError && error.retryable;
}

/** Called with each failure, and with `null` when an attempt has succeeded after failures. */
export type OnTrouble = (trouble: SamsaError | null) => void;

const patiently: Backoff = { firstMs: 100, mostMs: 2_000 };

/**
 * Attempts again after every SamsaError until it succeeds, 50–2,000 ms apart by default.
 * @returns `null` when `signal` fires.
 * @throws any other error.
 */
export async function keepTrying<Result>(
  attempt: () => Result | Promise<Result>,
  onTrouble: OnTrouble,
  signal: AbortSignal,
  backoff = patiently,
): Promise<Result | null> {
  for (let failures = 0; !signal.aborted;) {
    try {
      const result = await attempt();
      if (failures > 0) onTrouble(null);
      return result;
    } catch (error) {
      if (!(error instanceof SamsaError)) throw error;
      if (signal.aborted) break;
      onTrouble(error);
      await pause(backoffMs(++failures, backoff), signal);
    }
  }
  return null;
}

/**
 * For messages to people: passes on each kind of trouble once, until another kind comes, and `null` when it is over.
 * Two errors are of one kind when they have the same code and the same `retryable`.
 */
export function onlyChanges(tell: OnTrouble): OnTrouble {
  let known: string | null = null;
  return (trouble) => {
    const kind = trouble && `${trouble.code} ${trouble.retryable}`;
    if (kind === known) return;
    known = kind;
    tell(trouble);
  };
}

/** Wakes everybody who waits for something to happen. */
export type Notifier = {
  readonly notify: () => void;
  /** How often `notify` was called. */
  readonly count: () => number;
  /** Resolves at the next `notify`, after `waitMs`, or when `signal` fires. */
  readonly next: (waitMs: number, signal: AbortSignal) => Promise<void>;
};

export function createNotifier(): Notifier {
  const waiters = new Set<() => void>();
  let count = 0;
  return {
    notify: () => {
      count++;
      for (const waiter of waiters) waiter();
    },
    count: () => count,
    // AbortSignal.any is not used here: its listeners stay in memory until the next large garbage collection.
    next: (waitMs, signal) =>
      new Promise((resolve) => {
        const end = (): void => {
          clearTimeout(timer);
          waiters.delete(end);
          signal.removeEventListener('abort', end);
          resolve();
        };
        const timer = setTimeout(end, waitMs);
        waiters.add(end);
        signal.addEventListener('abort', end);
        if (signal.aborted) end();
      }),
  };
}
