import type { Chore } from '../database/checkpoints.ts';
import { topicRetention, type TopicNames } from '../events/topics.ts';
import type { EventLog } from './log.ts';
import { patiently } from './patiently.ts';
import { defaultPatienceMs, logBellName, openSqliteLog, type SqliteLogOptions } from './sqlite-log.ts';
import { shareThreadBell } from './thread-bell.ts';

export type LogOptions = SqliteLogOptions & {
  /** The file of the embedded log. */
  readonly path: string;
  readonly topics: TopicNames;
  /** Of topics that are not there yet. */
  readonly partitions: number;
};

/**
 * Opens the shop's event log and makes those of its four topics that are missing.
 * @throws SamsaError `data-folder-unusable`, `state-too-new`, `bad-configuration` (partitions), or `store-unavailable`
 *   when others kept the log busy for too long.
 */
export async function openLog({ path, topics, partitions, ...options }: LogOptions): Promise<EventLog> {
  const log = await patiently(() => openSqliteLog(path, options), options.patienceMs ?? defaultPatienceMs);
  try {
    for (const name of ['searches', 'actions', 'changes', 'operator'] as const) {
      await log.create(topics[name], { partitions, ...topicRetention[name] });
    }
    return log;
  } catch (error) {
    await log.close();
    throw error;
  }
}

/**
 * To be called before threads are started that will open the log: only then do they hear each other's appends at once.
 * Threads started by one that has opened the log need no call; all others notice appends within about 10 ms.
 */
export function shareLogBell(): void {
  shareThreadBell(logBellName);
}

/** What keeps the embedded log from growing for ever; for the checkpoint thread. */
export function logExpiry(path: string): Chore {
  return { module: new URL('./expiry-chore.ts', import.meta.url).href, argument: path, everyMs: 60_000 };
}
