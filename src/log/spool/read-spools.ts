import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { storeError } from '../../sqlite/errors.ts';
import { readSpoolLedger, type SpoolLedger } from './ledger.ts';

const ending = '.sqlite';

/**
 * What became of the records in every spool of a folder, also of processes that run, without joining in.
 * @throws SamsaError as `openSqlite` when one cannot be read.
 */
export function readSpools(folder: string): readonly SpoolLedger[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(ending));
  return names.toSorted().flatMap((name) => readSpool(join(folder, name)));
}

function readSpool(path: string): readonly SpoolLedger[] {
  try {
    const connection = new DatabaseSync(path, { readOnly: true, timeout: 1_000 });
    try {
      return readSpoolLedger(connection, basename(path, ending));
    } finally {
      connection.close();
    }
  } catch (error) {
    // One that was left behind is deleted as soon as it is empty.
    if (!existsSync(path)) return [];
    throw storeError(path, error);
  }
}
