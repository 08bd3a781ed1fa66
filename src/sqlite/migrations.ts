import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { SamsaError } from '../errors.ts';

/** Statements, or a function where they depend on the data. They may use `sha256(text)`, which gives bytes. */
export type Migration = string | ((connection: DatabaseSync) => void);

/** Tables that belong together. Each set counts its own versions, so that a file may hold several. */
export type Migrations = {
  /** Never rename it: under another name everything would be created again. */
  readonly name: string;
  /**
   * One step per version, oldest first, applied once each: a folder of `001-….sql`, `002-….sql` and so on, or a list.
   * Never edit a step that has shipped.
   */
  readonly steps: URL | readonly Migration[];
};

export type SchemaOptions = {
  readonly migrations: readonly Migrations[];
  /**
   * Older programs counted the steps of all sets together. This names the set of each of those steps. It may be left
   * out where there is one set.
   */
  readonly countedTogether?: readonly string[];
};

/**
 * This value of `user_version` means that the versions are in the table `schema_version`. Older programs take it for a
 * newer schema, and refuse the file.
 */
const countedByName = 1_000;

/** @throws SamsaError `state-too-new` when a newer program wrote the file. */
export function migrate(path: string, connection: DatabaseSync, options: SchemaOptions): void {
  if (missingSteps(path, connection, options).length === 0) return;
  connection.function('sha256', { deterministic: true }, (text) => hash('sha256', String(text), 'buffer'));
  connection.exec('BEGIN IMMEDIATE');
  const missing = missingSteps(path, connection, options);
  const versions = versionsIn(path, connection, options);
  connection.exec(
    'CREATE TABLE IF NOT EXISTS schema_version (name TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID',
  );
  for (const { name, step } of missing) {
    if (typeof step === 'string') connection.exec(step);
    else step(connection);
    versions.set(name, (versions.get(name) ?? 0) + 1);
  }
  const count = connection.prepare('INSERT OR REPLACE INTO schema_version VALUES (?, ?)');
  for (const [name, version] of versions) count.run(name, version);
  connection.exec(`PRAGMA user_version = ${countedByName}`);
  connection.exec('COMMIT');
}

/** Whether the file has been in use, and needs steps that this program knows. */
export function isOlder(path: string, connection: DatabaseSync, options: SchemaOptions): boolean {
  return userVersion(connection) > 0 && missingSteps(path, connection, options).length > 0;
}

type Missing = { readonly name: string; readonly step: Migration };

function missingSteps(path: string, connection: DatabaseSync, options: SchemaOptions): readonly Missing[] {
  const versions = versionsIn(path, connection, options);
  return options.migrations.flatMap(({ name, steps }) => {
    const known = steps instanceof URL ? filesIn(steps) : steps;
    const version = versions.get(name) ?? 0;
    if (version > known.length) throw tooNew(path, name, known.length, version);
    return known.slice(version).map((step) => ({ name, step }));
  });
}

function versionsIn(path: string, connection: DatabaseSync, options: SchemaOptions): Map<string, number> {
  const counted = userVersion(connection);
  if (counted === countedByName) {
    const rows = connection.prepare('SELECT name, version FROM schema_version').all();
    return new Map(rows.map(({ name, version }) => [String(name), Number(version)]));
  }
  const { migrations, countedTogether = Array<string>(counted).fill(migrations[0]!.name) } = options;
  if (counted > countedTogether.length) throw tooNew(path, 'this file', countedTogether.length, counted);
  const versions = new Map<string, number>();
  for (const name of countedTogether.slice(0, counted)) versions.set(name, (versions.get(name) ?? 0) + 1);
  return versions;
}

function userVersion(connection: DatabaseSync): number {
  return Number(connection.prepare('PRAGMA user_version').get()?.['user_version']);
}

function filesIn(folder: URL): readonly string[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.sql'));
  return files.sort().map((name) => readFileSync(new URL(name, folder), 'utf8'));
}

function tooNew(path: string, name: string, known: number, version: number): SamsaError {
  return new SamsaError(
    'state-too-new',
    `${path}: expected version ${known} or older of the schema of ${name}, got ${version}. ` +
      'A newer Samsa wrote it: run that version, or choose another data folder.',
  );
}
