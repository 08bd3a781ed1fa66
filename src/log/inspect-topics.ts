import type { LogLocation } from './open-log.ts';
import { openSqlite } from '../database/sqlite-database.ts';
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

/**
 * How the shop's topics are kept, by name; `null` for one that is not there. Changes nothing.
 * @throws SamsaError as `openLog` does; `bad-configuration` also where the cluster does not let us look.
 */
export async function inspectTopics(location: LogLocation): Promise<ReadonlyMap<string, TopicFacts | null>> {
  const names = Object.values(location.topics);
  if (location.kind === 'kafka') return (await import('./inspect-kafka-topics.ts')).inspectKafkaTopics(location, names);
  const database = openSqlite(location.path, { migrations: logMigrations, busyTimeoutMs: 1_000 });
  try {
    return new Map(names.map((name) => [name, readTopicFacts(database, name)]));
  } finally {
    database.close();
  }
}
