import { randomBytes, randomUUIDv7 } from 'node:crypto';
import type { Envelope } from './envelope.ts';

/** Numbers the events of one producer, from the moment it is opened. */
export type EventSource = {
  /** A new envelope: fresh id, this source, the next sequence number. */
  readonly next: (type: string, extensions: Readonly<Record<string, string>>) => Envelope;
};

/**
 * A source that counts from 1, with a name that was never used before: `/samsa/<name>/<random>`.
 * Sequence order is the order of `next` calls; append in that order.
 */
export function createEventSource(name: string, clock: () => number): EventSource {
  const source = `/samsa/${name}/${randomBytes(9).toString('base64url')}`;
  let sequence = 0;
  return {
    next: (type, extensions) => {
      return { id: randomUUIDv7(), source, sequence: ++sequence, type, time: clock(), extensions };
    },
  };
}
