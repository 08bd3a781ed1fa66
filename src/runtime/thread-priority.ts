import { constants, getPriority, setPriority } from 'node:os';

/** Steps of `nice`. With ten, a busy machine kept these threads from answering at all (decision 042). */
const lowerBy = 3;

/**
 * Lowers the priority of this thread, so that the thread that answers searches goes first where cores are few. Only
 * Linux has priorities of single threads; elsewhere the whole process would be slowed, so nothing is done.
 */
export function lowerThreadPriority(): void {
  if (process.platform !== 'linux') return;
  const { PRIORITY_LOW } = constants.priority;
  try {
    setPriority(Math.min(PRIORITY_LOW, getPriority() + lowerBy));
  } catch {
    // Not allowed here: all threads keep the same priority.
  }
}
