import { pause } from '../../runtime/waiting.ts';

const pauseMs = 10;

/**
 * Repeats work of which each piece is one short transaction, until a piece finds nothing to do or the signal fires.
 * Between two pieces others get their turn to write.
 * @param piece gives how much it has done.
 * @returns the sum of what the pieces gave.
 */
export async function inBatches(piece: () => number, signal: AbortSignal): Promise<number> {
  let done = 0;
  while (!signal.aborted) {
    const did = piece();
    if (did === 0) break;
    done += did;
    await pause(pauseMs, signal);
  }
  return done;
}
