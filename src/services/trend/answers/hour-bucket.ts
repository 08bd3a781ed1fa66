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
