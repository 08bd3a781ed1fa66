import { linkToParent, lowerThreadPriority, toPlainError } from '../../../../runtime/threads.ts';
import { openSqlite } from '../../../../sqlite/connection.ts';
import { searchIndexSchema } from './index-file.ts';
import { buildWordData } from './word-data.ts';
import type { WordAnswer, WordWork } from './word-maker.ts';

/** The entry of the thread that makes `WordData` from an index file, sends it, and ends. */
const { data, tell } = linkToParent<WordWork, WordAnswer>();

lowerThreadPriority();
try {
  const database = openSqlite(data.path, {
    ...searchIndexSchema,
    busyTimeoutMs: 5_000,
    checkpointedElsewhere: true,
    cacheKiB: 1_024,
  });
  try {
    tell({ data: buildWordData(database) });
  } finally {
    database.close();
  }
} catch (error) {
  tell({ error: toPlainError(error) });
}
