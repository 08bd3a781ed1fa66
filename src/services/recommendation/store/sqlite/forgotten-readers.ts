import { hash } from 'node:crypto';
import type { SqliteDatabase } from '../../../../sqlite/connection.ts';

/** Readers who asked to be forgotten, by a hash of their id, with the time up to which. For one transaction. */
export type ForgottenReaders = {
  readonly add: (reader: string, untilMs: number) => void;
  /** Whether what a reader did at that time is to be forgotten. */
  readonly covers: (reader: string, timeMs: number) => boolean;
};

/** In most shops nobody has asked: that is looked up once. */
export function forgottenReaders(database: SqliteDatabase): ForgottenReaders {
  let nobody = database.prepare('SELECT 1 FROM forgotten LIMIT 1').get() === undefined;
  return {
    add: (reader, untilMs) => {
      nobody = false;
      database
        .prepare(
          'INSERT INTO forgotten VALUES (?, ?) ON CONFLICT DO UPDATE SET until_ms = max(until_ms, excluded.until_ms)',
        )
        .run(hash('sha256', reader), untilMs);
    },
    covers: (reader, timeMs) => {
      if (nobody) return false;
      const row = database.prepare('SELECT until_ms FROM forgotten WHERE reader_hash = ?').get(hash('sha256', reader));
      return row !== undefined && timeMs <= Number(row['until_ms']);
    },
  };
}
