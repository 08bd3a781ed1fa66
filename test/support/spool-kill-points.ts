import { appendFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { Producer } from '@platformatic/kafka';
import { killThisProcess, watchStatements } from './kill-at-statement.ts';

/**
 * Imported before a program starts, in each of its threads. Writes every SQL statement and every step of sending to the
 * file `SAMSA_TEST_POINTS`, and kills the process before the point `SAMSA_TEST_KILL_AT`.
 */
const { SAMSA_TEST_POINTS: notes = '', SAMSA_TEST_KILL_AT: killAt } = process.env;
const thread = isMainThread ? 'intake' : 'relay';
const steps = new Map<string, number>();

function reach(point: string): void {
  const named = `${thread}: ${point}`;
  if (named === killAt) killThisProcess();
  else if (killAt === undefined) appendFileSync(notes, `${named}\n`);
}

function step(name: string): void {
  const times = (steps.get(name) ?? 0) + 1;
  steps.set(name, times);
  reach(`${times} × ${name}`);
}

watchStatements(reach);

type Send = (this: unknown, ...given: unknown[]) => Promise<unknown>;
const send = Producer.prototype.send as unknown as Send;
Object.defineProperty(Producer.prototype, 'send', {
  async value(this: unknown, ...given: unknown[]): Promise<unknown> {
    step('sending');
    const sent = send.apply(this, given);
    // What was written to the socket may still arrive after its sender is killed.
    setImmediate(() => step('sent'));
    const result = await sent;
    step('acknowledged');
    return result;
  },
});
