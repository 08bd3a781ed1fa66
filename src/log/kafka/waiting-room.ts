export type WaitingRoom = {
  /**
   * What a promise gives, or `null` after `waitMs` or when `signal` fires.
   * @throws what the promise is rejected with, or the error the room was closed with.
   */
  readonly wait: <Value>(promise: Promise<Value>, waitMs: number, signal: AbortSignal) => Promise<Value | null>;
  /** Ends all waiting, also that which begins later. */
  readonly close: (error: Error) => void;
};

const longestTimeoutMs = 2 ** 31 - 1;

/** Waits with a deadline that leave nothing behind, however long the promise or the signal lives. */
export function createWaitingRoom(): WaitingRoom {
  const inside = new Set<(error: unknown) => void>();
  let closedWith: Error | null = null;

  return {
    wait: (promise, waitMs, signal) =>
      new Promise((resolve, reject) => {
        const leave = (): void => {
          clearTimeout(timeout);
          signal.removeEventListener('abort', giveUp);
          inside.delete(fail);
        };
        const giveUp = (): void => {
          leave();
          resolve(null);
        };
        const fail = (error: unknown): void => {
          leave();
          reject(error);
        };
        const timeout = setTimeout(giveUp, Math.min(waitMs, longestTimeoutMs));
        signal.addEventListener('abort', giveUp);
        inside.add(fail);
        promise.then((value) => {
          leave();
          resolve(value);
        }, fail);
        if (closedWith !== null) fail(closedWith);
        else if (signal.aborted) giveUp();
      }),
    close: (error) => {
      closedWith = error;
      for (const fail of inside) fail(error);
    },
  };
}
