import { createLruMap } from '../runtime/lru-map.ts';

export type Counter = {
  /** Counts one event. @returns how many there were in this window. */
  readonly add: (key: string) => number;
  readonly count: (key: string) => number;
  /** Until the key's window ends, rounded up. */
  readonly secondsLeft: (key: string) => number;
};

const windowMs = 60_000;
const rememberedKeys = 20_000;

/**
 * Counts events by key. A key's window of one minute begins with its first event. Remembers the 20,000 keys counted
 * last.
 * @param nowMs monotonic, so that a changed clock neither extends nor ends a window.
 */
export function createCounter(nowMs: () => number): Counter {
  const windows = createLruMap<string, { readonly startMs: number; count: number }>(rememberedKeys);
  const current = (key: string) => {
    const window = windows.get(key);
    return window !== undefined && nowMs() - window.startMs < windowMs ? window : null;
  };
  return {
    add: (key) => {
      const window = current(key) ?? { startMs: nowMs(), count: 0 };
      if (window.count === 0) windows.set(key, window);
      return ++window.count;
    },
    count: (key) => current(key)?.count ?? 0,
    secondsLeft: (key) => Math.ceil((windowMs - (nowMs() - (current(key)?.startMs ?? nowMs()))) / 1_000),
  };
}
