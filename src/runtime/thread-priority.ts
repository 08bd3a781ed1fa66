import { constants, getPriority, setPriority } from 'node:os';

/**
 * Lowers the priority of this thread, so that the thread that answers searches goes first where cores are few. Only
 * Linux has priorities of single threads; elsewhere the whole process would be slowed, so nothing is done.
 */
export function lowerThreadPriority(): void {
  if (process.platform !== 'linux') return;
  const { PRIORITY_BELOW_NORMAL, PRIORITY_LOW } = constants.priority;
  try {
    setPriority(Math.min(PRIORITY_LOW, getPriority() + PRIORITY_BELOW_NORMAL));
  } catch {
    // Not allowed here: all threads keep the same priority.
  }
}
