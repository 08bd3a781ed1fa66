import { constants, getPriority, setPriority } from 'node:os';

/**
 * For threads whose work may wait: where cores are short, the thread that answers searches goes first. Node's
 * `setPriority` is that of one thread on Linux only; elsewhere it would be the whole process's, so nothing is done.
 */
export function giveWay(): void {
  if (process.platform !== 'linux') return;
  const { PRIORITY_BELOW_NORMAL, PRIORITY_LOW } = constants.priority;
  try {
    setPriority(Math.min(PRIORITY_LOW, getPriority() + PRIORITY_BELOW_NORMAL));
  } catch {
    // Not allowed here: all threads stay alike.
  }
}
