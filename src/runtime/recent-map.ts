/** A bounded map that keeps what was used lately: between `limit` and twice as much. */
export type RecentMap<Key, Value> = {
  readonly get: (key: Key) => Value | undefined;
  readonly set: (key: Key, value: Value) => void;
  readonly delete: (key: Key) => void;
  readonly clear: () => void;
};

/**
 * Two generations: what is used moves to the young one; when that is full, it becomes the old one and the old one is
 * forgotten. A look-up of what was used lately costs no more than a map's.
 * @param sizeOf what a value takes of the limit: as an entry one, unless given. It must not change.
 */
export function createRecentMap<Key, Value>(
  limit: number,
  sizeOf: (value: Value) => number = () => 1,
): RecentMap<Key, Value> {
  let young = new Map<Key, Value>();
  let old = new Map<Key, Value>();
  let size = 0;
  const set = (key: Key, value: Value): void => {
    if (size >= limit) {
      old = young;
      young = new Map();
      size = 0;
    }
    young.set(key, value);
    size += sizeOf(value);
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
 * A recent map that takes in what is set a second time within some `metLimit` keys (up to twice as many): of what comes
 * once only the key is held for a while, and it pushes nothing out. (The doorkeeper of TinyLFU, Einziger et al. 2017.)
 */
export function createRevisitedMap<Key, Value>(
  metLimit: number,
  limit: number,
  sizeOf: (value: Value) => number,
): RecentMap<Key, Value> {
  const kept = createRecentMap<Key, Value>(limit, sizeOf);
  const met = createRecentMap<Key, true>(metLimit);
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
