import { openSqlite } from '../sqlite/connection.ts';
import type { LogLocation } from './open-log.ts';
import { logMigrations, readTopicFacts } from './sqlite/topics.ts';
import type { OpenTopicFacts } from './topic-facts.ts';

/** To look at how topics are kept, changing nothing. @throws SamsaError as `openLog` does. */
export async function openTopicFacts(location: LogLocation): Promise<OpenTopicFacts> {
  if (location.kind === 'kafka') return (await import('./kafka/topic-facts.ts')).openKafkaTopicFacts(location);
  const database = openSqlite(location.path, { migrations: logMigrations, busyTimeoutMs: 1_000 });
  return {
    of: async (topic) => readTopicFacts(database, topic),
    close: async () => database.close(),
  };
}
