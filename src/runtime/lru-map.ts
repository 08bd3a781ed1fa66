import { hashText } from './hash-text.ts';

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
      const held = young.get(key);
      if (held !== undefined) size -= sizeOf(held);
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

export type DoorkeptLruMap<Key, Value> = LruMap<Key, Value> & {
  /** Whether `set` would store the key now. The answer is true from the second call for a key on. */
  readonly admits: (key: Key) => boolean;
};

/** A key that was seen is forgotten when another takes its slot: after `seenLimit` others, 60 % are remembered. */
const slotsPerSeen = 2;

/**
 * An LRU map that stores a key only when it is set a second time within about `seenLimit` other keys: keys that come
 * once push nothing out. (The doorkeeper of TinyLFU, Einziger et al. 2017.) Only a hash is kept of a key seen
 * once, so such keys leave nothing for the garbage collector. If two keys have the same hash, one may be stored at
 * once.
 */
export function createDoorkeptLruMap<Key extends string | number, Value>(
  seenLimit: number,
  limit: number,
  sizeOf: (value: Value) => number,
): DoorkeptLruMap<Key, Value> {
  const kept = createLruMap<Key, Value>(limit, sizeOf);
  const seen = new Int32Array(2 ** Math.ceil(Math.log2(slotsPerSeen * seenLimit)));
  const admits = (key: Key): boolean => {
    if (kept.get(key) !== undefined) return true;
    const hashed = hashText(String(key));
    const slot = hashed & (seen.length - 1);
    if (seen[slot] === hashed) return true;
    seen[slot] = hashed;
    return false;
  };
  return {
    ...kept,
    admits,
    set: (key, value) => {
      if (admits(key)) kept.set(key, value);
    },
    clear: () => {
      kept.clear();
      seen.fill(0);
    },
  };
}
