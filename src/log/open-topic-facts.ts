import { openSqlite } from '../database/sqlite-database.ts';
import type { LogLocation } from './open-log.ts';
import { logMigrations, readTopicFacts } from './sqlite-topics.ts';

/** How a topic is kept. */
export type TopicFacts = {
  readonly partitions: number;
  /** Copies of each partition; `null` where the log is one file. */
  readonly replication: number | null;
  /** 0 = for ever. */
  readonly retentionMs: number;
  /** Whether only the last record of each key is kept. */
  readonly compacted: boolean;
};

export type OpenTopicFacts = {
  /**
   * `null` when there is no such topic.
   * @throws SamsaError `store-unavailable` (retryable), `bad-configuration` where a cluster does not let us look.
   */
  readonly of: (topic: string) => Promise<TopicFacts | null>;
  readonly close: () => Promise<void>;
};

/** To look at how topics are kept, changing nothing. @throws SamsaError as `openLog` does. */
export async function openTopicFacts(location: LogLocation): Promise<OpenTopicFacts> {
  if (location.kind === 'kafka') return (await import('./kafka-topic-facts.ts')).openKafkaTopicFacts(location);
  const database = openSqlite(location.path, { migrations: logMigrations, busyTimeoutMs: 1_000 });
  return {
    of: async (topic) => readTopicFacts(database, topic),
    close: async () => database.close(),
  };
}
