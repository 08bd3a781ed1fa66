import { readdir, readFile } from 'node:fs/promises';
import { SamsaError } from '../errors.ts';
import type { MysqlConnection } from './connection.ts';
import { releaseLock, lockName, takeLock } from './locks.ts';

/** Tables that belong together. Each set counts its own versions, so that a database may hold several. */
export type Migrations = {
  /** Never rename it: under another name everything would be created again. */
  readonly name: string;
  /**
   * Holds `001-….sql`, `002-….sql` and so on, one per version. Never edit one that has shipped. A server does not undo
   * half a file, so running it again must be possible (`IF NOT EXISTS`).
   */
  readonly folder: URL;
  /** Prepares tables that we share with other programs. Runs at every opening, under the same lock. */
  readonly afterwards?: (connection: MysqlConnection, database: string) => Promise<void>;
};

const waitSeconds = 60;

/**
 * Brings tables up to date, each file once however many processes start together.
 * @param connection one that accepts several statements at a time.
 * @throws SamsaError `state-too-new` when a newer program created the tables, `store-unavailable` when another process
 *   has been changing them for a minute.
 */
export async function migrate(
  connection: MysqlConnection,
  database: { readonly name: string; readonly lockScope: string },
  migrations: readonly Migrations[],
): Promise<void> {
  const lock = lockName(database.lockScope, 'tables');
  if (!(await takeLock(connection, lock, waitSeconds))) {
    throw new SamsaError(
      'store-unavailable',
      `${database.name}: another process has been changing tables for a minute`,
      {
        retryable: true,
      },
    );
  }
  try {
    await connection.change(
      `CREATE TABLE IF NOT EXISTS state.schema_version (
         name VARBINARY(64) NOT NULL PRIMARY KEY, version INT NOT NULL) ENGINE = InnoDB`,
    );
    for (const one of migrations) await migrateOne(connection, database.name, one);
  } finally {
    await releaseLock(connection, lock);
  }
}

async function migrateOne(
  connection: MysqlConnection,
  database: string,
  { name, folder, afterwards }: Migrations,
): Promise<void> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  const [row] = await connection.rows('SELECT version FROM state.schema_version WHERE name = ?', [name]);
  const version = Number(row?.['version'] ?? 0);
  if (version > files.length) {
    throw new SamsaError(
      'state-too-new',
      `${database}: expected version ${files.length} or older of the tables of ${name}, found version ${version}. ` +
        'A newer Samsa made them: run that version, or choose another database with db.dsn.',
    );
  }
  for (const [index, file] of files.entries()) {
    if (index < version) continue;
    await connection.change(await readFile(new URL(file, folder), 'utf8'));
    await connection.change(
      'INSERT INTO state.schema_version VALUES (?, ?) ON DUPLICATE KEY UPDATE version = VALUES(version)',
      [name, index + 1],
    );
  }
  await afterwards?.(connection, database);
}
