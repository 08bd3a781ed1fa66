import { SamsaError } from '../../errors.ts';
import { backoffMs } from '../../runtime/waiting.ts';
import type { OwnedConnection } from '../../mysql/connection.ts';
import type { Lending } from './lending.ts';

const backoff = { firstMs: 200, mostMs: 5_000 };

/**
 * Lends connections once the database could be prepared. Until then whoever wants one has it tried again, one attempt
 * at a time and 100–5,000 ms apart, longer each time, jittered; in between they are refused with what it failed with.
 * @param onProblem hears of the first failure at once, of others when they are of another kind, and `null` in the end.
 */
export function tryAgainAtUse(
  lending: Lending,
  prepare: (onConnected: (connection: OwnedConnection) => void) => Promise<void>,
  first: SamsaError,
  onProblem: (problem: SamsaError | null) => void,
): Lending {
  let problem: SamsaError | null = first;
  let attempts = 1;
  let nextMs = performance.now() + backoffMs(attempts, backoff);
  let trying: Promise<void> | null = null;
  let preparing: OwnedConnection | null = null;
  let closed = false;
  onProblem(first);

  const attempt = async (): Promise<void> => {
    try {
      await prepare((connection) => {
        preparing = connection;
        if (closed) connection.cut();
      });
      problem = null;
      onProblem(null);
    } catch (error) {
      nextMs = performance.now() + backoffMs(++attempts, backoff);
      if (!(error instanceof SamsaError)) throw error;
      if (!closed && error.code !== problem?.code) onProblem(error);
      problem = error;
    } finally {
      preparing = null;
      trying = null;
    }
  };

  return {
    take: async () => {
      if (problem !== null && !closed && (trying !== null || performance.now() >= nextMs)) {
        trying ??= attempt();
        await trying;
      }
      if (problem !== null) throw problem;
      return lending.take();
    },
    close: async () => {
      closed = true;
      preparing?.cut();
      await lending.close();
    },
  };
}
