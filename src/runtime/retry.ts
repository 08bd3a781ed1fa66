import { SamsaError } from '../errors.ts';
import { backoffMs, pause, type Backoff } from './waiting.ts';

export type RetryOptions = {
  /** Whether the same attempt may succeed later. Default: a SamsaError that says so. */
  readonly mayPass?: (error: unknown) => boolean;
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
  const { mayPass = isRetryable, backoff = briefly } = options;
  const { attempts = Number.POSITIVE_INFINITY, withinMs = Number.POSITIVE_INFINITY } = options;
  const startedMs = performance.now();
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      const isOver = failures >= attempts || performance.now() - startedMs > withinMs;
      if (isOver || !mayPass(error)) throw error;
    }
    await pause(backoffMs(failures, backoff));
  }
}

/** Whether an error says of itself that the same attempt may succeed later. */
export function isRetryable(error: unknown): boolean {
  return error instanceof SamsaError && error.retryable;
}

/** Hears of each failure, and of `null` when the attempt has succeeded after failures. */
export type HearTrouble = (trouble: SamsaError | null) => void;

const patiently: Backoff = { firstMs: 100, mostMs: 2_000 };

/**
 * Attempts again after every SamsaError until it succeeds, 50–2,000 ms apart by default.
 * @returns `null` when `signal` fires.
 * @throws any other error.
 */
export async function keepTrying<Result>(
  attempt: () => Result | Promise<Result>,
  onTrouble: HearTrouble,
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
 * For messages to people: passes on a kind of trouble once, until another kind comes, and `null` when it is over. Trouble
 * of one code that passes by itself is another kind than one that does not.
 */
export function onlyNews(hear: HearTrouble): HearTrouble {
  let known: string | null = null;
  return (trouble) => {
    const kind = trouble && `${trouble.code} ${trouble.retryable}`;
    if (kind === known) return;
    known = kind;
    hear(trouble);
  };
}
