import { SamsaError } from '../errors.ts';
import { backoffMs, pause, type Backoff } from './waiting.ts';

/** Hears of each failure, and of `null` when what failed has succeeded. */
export type HearTrouble = (trouble: SamsaError | null) => void;

const usualBackoff: Backoff = { firstMs: 100, mostMs: 2_000 };

/**
 * Tries again, however often it takes, after 50–2,000 ms unless told otherwise.
 * @returns `null` when `signal` fires.
 * @throws whatever is no SamsaError.
 */
export async function keepTrying<Result>(
  attempt: () => Result | Promise<Result>,
  onTrouble: HearTrouble,
  signal: AbortSignal,
  backoff = usualBackoff,
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
