/** Assigns a slot in the arrays of sums to each query number. A slot is reused when no hour refers to it any more. */
export type Slots = {
  readonly slotOf: (query: number) => number;
  readonly find: (query: number) => number | undefined;
  readonly queryAt: (slot: number) => number;
  readonly get: (slot: number, sum: number) => number;
  readonly add: (slot: number, sum: number, amount: number) => void;
  /** One more hour refers to the slot. */
  readonly use: (slot: number) => void;
  /** One hour fewer refers to the slot. */
  readonly release: (slot: number) => void;
  readonly all: () => Iterable<number>;
};

export function createSlots(sums: number): Slots {
  const slots = new Map<number, number>();
  const free: number[] = [];
  const queries: number[] = [];
  let uses = new Uint32Array(1_024);
  let values = new Int32Array(1_024 * sums);
  const grow = (): void => {
    const [wider, more] = [new Int32Array(values.length * 2), new Uint32Array(uses.length * 2)];
    wider.set(values);
    more.set(uses);
    [values, uses] = [wider, more];
  };
  return {
    slotOf: (query) => {
      let slot = slots.get(query);
      if (slot === undefined) {
        slot = free.pop() ?? queries.length;
        if (slot >= uses.length) grow();
        queries[slot] = query;
        slots.set(query, slot);
      }
      return slot;
    },
    find: (query) => slots.get(query),
    queryAt: (slot) => queries[slot]!,
    get: (slot, sum) => values[slot * sums + sum]!,
    add: (slot, sum, amount) => {
      values[slot * sums + sum]! += amount;
    },
    use: (slot) => {
      uses[slot]!++;
    },
    release: (slot) => {
      uses[slot]!--;
      if (uses[slot] !== 0) return;
      values.fill(0, slot * sums, (slot + 1) * sums);
      slots.delete(queries[slot]!);
      free.push(slot);
    },
    all: () => slots.values(),
  };
}

/**
 * What was counted in one hour, by slot. A recent hour has one entry for each slot. A closed hour may have several,
 * which takes less memory.
 */
export type HourBucket = {
  /** @returns whether this added an entry, so that one more hour refers to the slot. */
  readonly add: (slot: number, named: number, listed: number, rise: number, searches: number) => boolean;
  /** @returns whether these are the hour's first unnamed searches for the slot. */
  readonly addUnnamed: (slot: number) => boolean;
  readonly each: (take: (slot: number, listed: number, rise: number, searches: number) => void) => void;
  /** The named readers of all slots. */
  readonly named: () => number;
  /** The hour has passed. */
  readonly close: () => void;
};

const fields = 4;

/** @param release is called for each entry that was merged with another one of its slot. */
export function createHourBucket(release: (slot: number) => void): HourBucket {
  let values = new Int32Array(fields * 64);
  let size = 0;
  let named = 0;
  let entries: Map<number, number> | null = new Map();
  const unnamed = new Set<number>();

  /** A replay counts into an hour long after it has passed. Without this its entries would grow without bound. */
  const mergeEntries = (): void => {
    const merged = new Map<number, number>();
    let end = 0;
    for (let from = 0; from < size * fields; from += fields) {
      const slot = values[from]!;
      const known = merged.get(slot);
      if (known === undefined) {
        merged.set(slot, end);
        values.copyWithin(end, from, from + fields);
        end += fields;
        continue;
      }
      for (let field = 1; field < fields; field++) values[known + field]! += values[from + field]!;
      release(slot);
    }
    values.fill(0, end, size * fields);
    size = end / fields;
  };

  const makeRoom = (): void => {
    if (entries === null) mergeEntries();
    if (size * fields * 2 <= values.length) return;
    const wider = new Int32Array(values.length * 2);
    wider.set(values);
    values = wider;
  };

  return {
    add: (slot, addedNamed, listed, rise, searches) => {
      named += addedNamed;
      let entry = entries?.get(slot);
      const isNew = entry === undefined;
      if (entry === undefined) {
        if ((size + 1) * fields > values.length) makeRoom();
        entry = size++ * fields;
        values[entry] = slot;
        entries?.set(slot, entry);
      }
      values[entry + 1]! += listed;
      values[entry + 2]! += rise;
      values[entry + 3]! += searches;
      return isNew;
    },
    addUnnamed: (slot) => {
      if (unnamed.has(slot)) return false;
      unnamed.add(slot);
      return true;
    },
    each: (take) => {
      for (let entry = 0; entry < size * fields; entry += fields) {
        take(values[entry]!, values[entry + 1]!, values[entry + 2]!, values[entry + 3]!);
      }
    },
    named: () => named,
    close: () => {
      if (entries === null) return;
      entries = null;
      values = values.slice(0, size * fields);
    },
  };
}
