import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { dayMs } from '../runtime/time.ts';
import { testAppending, testBytes } from './appending.contract.ts';
import { testReading, testWaiting } from './reading.contract.ts';
import type { EventLog } from './log.ts';
import { patienceMs, type LogTest, type TestedLog } from './topic-under-test.contract.ts';
import { testClosing, testCompaction, testExpiry, testTopics } from './topics.contract.ts';

type LogCapabilities = {
  /** False: a test cannot make records expire in time, so what holds after expiry is not checked. */
  readonly expires: boolean;
  /** False: a test cannot have a topic compacted in time. */
  readonly compacts: boolean;
};

/** What every EventLog promises; run it once per technology. */
export function eventLogContract(
  technology: string,
  create: () => TestedLog | Promise<TestedLog>,
  capabilities: LogCapabilities,
): void {
  const test: LogTest = (behaviour, body, partitions = 4) => {
    void it(behaviour, { timeout: 2 * patienceMs }, async () => {
      const { open, expire = unable, compact = unable } = await create();
      const logs: EventLog[] = [];
      const openAgain = async (): Promise<EventLog> => {
        const log = await open();
        logs.push(log);
        return log;
      };
      try {
        const log = await openAgain();
        const name = `contract-${randomUUID()}`;
        await log.create(name, { partitions, retentionMs: dayMs, compacted: false });
        const { id } = await log.describe(name);
        await body({ name, id, opened: { openAgain, expire, compact }, log });
      } finally {
        await Promise.all(logs.map((log) => log.close()));
      }
    });
  };

  void describe(`event log: ${technology}`, () => {
    testAppending(test);
    testBytes(test);
    testReading(test);
    testWaiting(test);
    testTopics(test);
    testClosing(test);
    if (capabilities.expires) testExpiry(test);
    if (capabilities.compacts) testCompaction(test);
  });
}

const unable = (): Promise<never> => Promise.reject(new Error('a test of this log cannot do that'));
