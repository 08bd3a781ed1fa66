import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

/**
 * Rung in one thread, heard in every thread of this process that has the bell of the same name and listens on the line
 * it was rung on. To wake a thread costs the one that rings more than an append does, so nobody is woken for nothing.
 */
export type ThreadBell = {
  /** @param line any whole number from 0; a few share one. */
  readonly ring: (line?: number) => void;
  /**
   * Calls `onRing` once, some time after the next ring on this line; until then further calls do nothing. It does not
   * keep the process alive.
   */
  readonly listen: (line?: number) => void;
};

const lines = 64;

/**
 * Makes the bell of this name known to the threads started from here *from now on*, and to those that they start.
 * (A BroadcastChannel needs no such order, but costs each listening thread 11 MB and a stall of 20 ms when its first
 * message makes Node load its web API.)
 */
export function shareThreadBell(name: string): SharedArrayBuffer {
  const memory =
    (getEnvironmentData(name) as SharedArrayBuffer | undefined) ??
    new SharedArrayBuffer(lines * Int32Array.BYTES_PER_ELEMENT);
  setEnvironmentData(name, memory);
  return memory;
}

/** The bell of this name, shared as by `shareThreadBell`. `onRing` is told the line, from 0 to 63. */
export function createThreadBell(name: string, onRing: (line: number) => void): ThreadBell {
  const rings = new Int32Array(shareThreadBell(name));
  const listening = new Set<number>();
  return {
    ring: (line = 0) => {
      Atomics.add(rings, line % lines, 1);
      Atomics.notify(rings, line % lines);
    },
    listen: (asked = 0) => {
      const line = asked % lines;
      if (listening.has(line)) return;
      const next = Atomics.waitAsync(rings, line, Atomics.load(rings, line));
      listening.add(line);
      void Promise.resolve(next.value).then(() => {
        listening.delete(line);
        onRing(line);
      });
    },
  };
}
