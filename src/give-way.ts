import { constants, setPriority } from 'node:os';

/**
 * For threads whose work may wait: where cores are short, those that answer readers go first. Only Linux gives each
 * thread a priority of its own; elsewhere it would be that of the whole process, so nothing is done.
 */
export function giveWay(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Not allowed here: all threads stay alike.
  }
}
