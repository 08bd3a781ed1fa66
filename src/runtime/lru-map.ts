/** A bounded map that forgets what was used least recently. */
export type LruMap<Key, Value> = {
  readonly get: (key: Key) => Value | undefined;
  readonly set: (key: Key, value: Value) => void;
  readonly delete: (key: Key) => void;
  readonly clear: () => void;
};

/**
 * An LRU map in two generations: what is used moves to the young one; when that is full it becomes the old one, and the
 * old one is forgotten. So it holds between `limit` and twice as much, and a hit costs no more than a map's.
 * @param sizeOf what a value takes of the limit; default: 1. It must not change.
 */
export function createLruMap<Key, Value>(
  limit: number,
  sizeOf: (value: Value) => number = () => 1,
): LruMap<Key, Value> {
  let young = new Map<Key, Value>();
  let old = new Map<Key, Value>();
  let size = 0;
  const set = (key: Key, value: Value): void => {
    if (size >= limit) {
      old = young;
      young = new Map();
      size = 0;
    }
    const before = young.get(key);
    young.set(key, value);
    size += sizeOf(value) - (before === undefined ? 0 : sizeOf(before));
  };
  return {
    get: (key) => {
      const known = young.get(key);
      if (known !== undefined) return known;
      const older = old.get(key);
      if (older !== undefined) set(key, older);
      return older;
    },
    set,
    delete: (key) => {
      young.delete(key);
      old.delete(key);
    },
    clear: () => {
      young.clear();
      old.clear();
      size = 0;
    },
  };
}

/**
 * An LRU map that stores a key only when it is set a second time within about `metLimit` other keys: keys that come
 * once push nothing out. (The doorkeeper of TinyLFU, Einziger et al. 2017.)
 */
export function createDoorkeptLruMap<Key, Value>(
  metLimit: number,
  limit: number,
  sizeOf: (value: Value) => number,
): LruMap<Key, Value> {
  const kept = createLruMap<Key, Value>(limit, sizeOf);
  const met = createLruMap<Key, true>(metLimit);
  return {
    ...kept,
    set: (key, value) => {
      if (kept.get(key) === undefined && met.get(key) === undefined) met.set(key, true);
      else kept.set(key, value);
    },
    clear: () => {
      kept.clear();
      met.clear();
    },
  };
}
