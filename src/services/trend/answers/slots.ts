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
