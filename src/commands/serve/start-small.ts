import { setFlagsFromString } from 'node:v8';

/**
 * Has the heaps of all threads grow by small steps while something starts, so that a shop at rest does not hold what
 * only its start needed. Afterwards speed comes first again: searching is half as fast in small heaps.
 */
export async function startSmall<Started>(start: () => Promise<Started>): Promise<Started> {
  setFlagsFromString('--optimize-for-size');
  try {
    return await start();
  } finally {
    setFlagsFromString('--no-optimize-for-size');
  }
}
