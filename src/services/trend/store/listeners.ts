/** Functions to call when something has been counted. */
export function createListeners(): {
  /** @returns how to remove it. */
  readonly add: (listener: () => void) => () => void;
  readonly call: () => void;
} {
  const listeners = new Set<() => void>();
  return {
    add: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    call: () => {
      for (const listener of listeners) listener();
    },
  };
}
