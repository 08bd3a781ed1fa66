import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

/** Rung in one thread, heard in every thread of this process that has the bell of the same name. */
export type ThreadBell = {
  readonly ring: () => void;
  /**
   * Calls `onRing` once, some time after the next ring; until then further calls do nothing. It does not keep the
   * process alive.
   */
  readonly listen: () => void;
};

/**
 * Makes the bell of this name known to the threads started from here *from now on*, and to those that they start.
 * (A BroadcastChannel needs no such order, but costs each listening thread 11 MB and a stall of 20 ms when its first
 * message makes Node load its web API.)
 */
export function shareThreadBell(name: string): SharedArrayBuffer {
  const memory = (getEnvironmentData(name) as SharedArrayBuffer | undefined) ?? new SharedArrayBuffer(4);
  setEnvironmentData(name, memory);
  return memory;
}

/** The bell of this name, shared as by `shareThreadBell`. */
export function createThreadBell(name: string, onRing: () => void): ThreadBell {
  const rings = new Int32Array(shareThreadBell(name));
  let listening = false;
  return {
    ring: () => {
      Atomics.add(rings, 0, 1);
      Atomics.notify(rings, 0);
    },
    listen: () => {
      if (listening) return;
      const next = Atomics.waitAsync(rings, 0, Atomics.load(rings, 0));
      listening = true;
      void Promise.resolve(next.value).then(() => {
        listening = false;
        onRing();
      });
    },
  };
}
