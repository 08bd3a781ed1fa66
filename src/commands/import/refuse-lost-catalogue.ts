import { statSync } from 'node:fs';
import { SamsaError } from '../../errors.ts';
import type { EventLog } from '../../log/log.ts';

/**
 * To be asked before an embedded catalogue is opened. Ids of books are never given twice: where the log tells of books,
 * an empty catalogue would give those of other books away again.
 * @throws SamsaError `data-folder-unusable` when the file is not there although the topic of book changes has been used.
 */
export async function refuseLostCatalogue(path: string, log: EventLog, topic: string): Promise<void> {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0) return;
  const { partitions } = await log.describe(topic);
  const changes = partitions.reduce((sum, { end }) => sum + end, 0);
  if (changes === 0) return;
  throw new SamsaError(
    'data-folder-unusable',
    `${path}: expected the catalogue of the ${changes} changes of books that are in the event log, got none. Put it back ` +
      'from a backup, or begin a new shop in another folder with SAMSA_DATA.',
  );
}
