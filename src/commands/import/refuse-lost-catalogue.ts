import { statSync } from 'node:fs';
import { SamsaError } from '../../errors.ts';
import type { EventLog } from '../../log/log.ts';

/**
 * Call it before an embedded catalogue is opened. Ids of books are never given twice. If the log has books, an empty
 * catalogue would give their ids to other books.
 * @throws SamsaError `data-folder-unusable` when the file is missing although the topic of book changes has records.
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
