import { defaultTopicNames as topics } from '../../src/events/topics.ts';
import type { LogLocation } from '../../src/log/open-log.ts';

/** The log of a shop on these brokers that has the usual topics. */
export function kafkaLocation(brokers: readonly string[]): Extract<LogLocation, { kind: 'kafka' }> {
  return { kind: 'kafka', brokers, clientId: 'samsa-tests', replication: null, topics, partitions: 4 };
}
