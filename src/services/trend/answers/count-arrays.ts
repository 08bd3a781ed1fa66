/** Numbers of queries as places in arrays of sums; a place is used again when no hour refers to it any more. */
export type Slots = {
  readonly slotOf: (query: number) => number;
  readonly find: (query: number) => number | undefined;
  readonly queryAt: (slot: number) => number;
  readonly get: (slot: number, sum: number) => number;
  readonly add: (slot: number, sum: number, amount: number) => void;
  /** One more hour refers to the slot. */
  readonly use: (slot: number) => void;
  /** One hour less refers to it. */
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
 * What was counted in one hour, by slot. Recent hours merge what comes for the same slot; a closed hour only appends, which
 * takes less memory and is as right, since sums are added up from all of it.
 */
export type HourBucket = {
  /** @returns whether this took a new place, so that the slot is used once more. */
  readonly add: (slot: number, named: number, listed: number, rise: number, searches: number) => boolean;
  /** @returns whether these are the hour's first unnamed searches for the slot. */
  readonly addUnnamed: (slot: number) => boolean;
  readonly each: (take: (slot: number, listed: number, rise: number, searches: number) => void) => void;
  /** Readers by name of all slots. */
  readonly named: () => number;
  /** The hour has passed. */
  readonly close: () => void;
};

const fields = 4;

export function createHourBucket(): HourBucket {
  let values = new Int32Array(fields * 64);
  let size = 0;
  let named = 0;
  let places: Map<number, number> | null = new Map();
  const unnamed = new Set<number>();
  return {
    add: (slot, addedNamed, listed, rise, searches) => {
      named += addedNamed;
      let place = places?.get(slot);
      const isNew = place === undefined;
      if (place === undefined) {
        if ((size + 1) * fields > values.length) {
          const wider = new Int32Array(values.length * 2);
          wider.set(values);
          values = wider;
        }
        place = size++ * fields;
        values[place] = slot;
        places?.set(slot, place);
      }
      values[place + 1]! += listed;
      values[place + 2]! += rise;
      values[place + 3]! += searches;
      return isNew;
    },
    addUnnamed: (slot) => {
      if (unnamed.has(slot)) return false;
      unnamed.add(slot);
      return true;
    },
    each: (take) => {
      for (let place = 0; place < size * fields; place += fields) {
        take(values[place]!, values[place + 1]!, values[place + 2]!, values[place + 3]!);
      }
    },
    named: () => named,
    close: () => {
      if (places === null) return;
      places = null;
      values = values.slice(0, size * fields);
    },
  };
}
