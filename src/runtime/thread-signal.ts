import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

/**
 * A signal between the threads of this process: sent in one, received in every thread that has the signal of the same
 * name and listens on the same channel. Waking a thread costs the sender more than an append to the log does, so only
 * threads that listen are woken.
 */
export type ThreadSignal = {
  /** @param channel any whole number from 0; numbers that are equal modulo 64 share one. */
  readonly send: (channel?: number) => void;
  /**
   * Calls `onSignal` once, soon after the next `send` on this channel; until then further calls do nothing. It does not
   * keep the process alive.
   */
  readonly listen: (channel?: number) => void;
};

const channels = 64;

/**
 * Makes the signal of this name known to the threads that are started from here *from now on*, and to those that they
 * start. (A BroadcastChannel does not depend on that order, but costs each listening thread 11 MB, and 20 ms when its
 * first message makes Node load its web API.)
 */
export function shareThreadSignal(name: string): SharedArrayBuffer {
  const memory =
    (getEnvironmentData(name) as SharedArrayBuffer | undefined) ??
    new SharedArrayBuffer(channels * Int32Array.BYTES_PER_ELEMENT);
  setEnvironmentData(name, memory);
  return memory;
}

/** The signal of this name, shared as by `shareThreadSignal`. `onSignal` gets the channel, from 0 to 63. */
export function createThreadSignal(name: string, onSignal: (channel: number) => void): ThreadSignal {
  const sent = new Int32Array(shareThreadSignal(name));
  const listening = new Set<number>();
  return {
    send: (channel = 0) => {
      Atomics.add(sent, channel % channels, 1);
      Atomics.notify(sent, channel % channels);
    },
    listen: (asked = 0) => {
      const channel = asked % channels;
      if (listening.has(channel)) return;
      const next = Atomics.waitAsync(sent, channel, Atomics.load(sent, channel));
      listening.add(channel);
      void Promise.resolve(next.value).then(() => {
        listening.delete(channel);
        onSignal(channel);
      });
    },
  };
}
