import { randomBytes } from 'node:crypto';
import type { Envelope } from './envelope.ts';

/** Numbers the events of one opening of one producer. */
export type EventSource = {
  /** A new envelope: fresh id, this source, the next sequence number. */
  readonly next: (type: string, extensions: Readonly<Record<string, string>>) => Envelope;
};

/**
 * A source that starts counting at 1 under a name nobody had before: `/samsa/<name>/<random>`.
 * Sequence order is the order of `next` calls; append in that order.
 */
export function createEventSource(name: string, clock: () => number): EventSource {
  const source = `/samsa/${name}/${randomBytes(9).toString('base64url')}`;
  let sequence = 0;
  return {
    next: (type, extensions) => {
      const time = clock();
      return { id: uuidV7(time), source, sequence: ++sequence, type, time, extensions };
    },
  };
}

const randomPool = Buffer.alloc(10 * 256);
let randomUsed = randomPool.length;

/** RFC 9562 §5.7: 48 bits of Unix milliseconds, then random. */
function uuidV7(timeMs: number): string {
  if (randomUsed === randomPool.length) {
    randomBytes(randomPool.length).copy(randomPool);
    randomUsed = 0;
  }
  const hex =
    Math.trunc(timeMs).toString(16).padStart(12, '0') + randomPool.toString('hex', randomUsed, (randomUsed += 10));
  const variant = (8 + (Number.parseInt(hex.charAt(16), 16) & 3)).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
