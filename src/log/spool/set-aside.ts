import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { SamsaError } from '../../errors.ts';
import { decodeEnvelope, encodeEnvelope, createEventSource, renumbered } from '../../events/envelope.ts';
import { decodeHeaders, encodeHeaders, type NewRecord } from '../../events/record.ts';
import type { SqliteDatabase } from '../../sqlite/connection.ts';
import { isRefusedRecord } from '../kafka/errors.ts';
import type { EventLog } from '../log.ts';
import { bytesOf } from '../sqlite/group-commit.ts';
import { openSpoolFile, positionsPerTopic, spoolFileEnding, spoolsIn } from './spool-file.ts';

/** A record that the cluster refused because of its content or size. */
export type SetAsideRecord = NewRecord & {
  /** `<spool>/<position>`: names it in commands. */
  readonly id: string;
  /** When it came into the spool, in milliseconds since 1970. */
  readonly arrivedMs: number;
  readonly setAsideMs: number;
  readonly why: string;
  /** Of key, value and headers. */
  readonly bytes: number;
};

const busyTimeoutMs = 2_000;

/** The records set aside in every spool of a folder, oldest first; running processes may use the spools meanwhile. */
export function readSetAside(folder: string): readonly SetAsideRecord[] {
  return spoolsIn(folder).flatMap((path) => inSpool(path, (database) => selectSetAside(database, path)));
}

/**
 * Sends one to the log again. Before the first attempt it gets a new source and sequence; id and time stay. So it is
 * counted once, however often sending is interrupted.
 * @returns why the cluster refused it again; `null` when it was sent.
 * @throws SamsaError as `append` of the log, and when its spool cannot be written; then it is still set aside.
 */
export async function sendSetAside(folder: string, id: string, log: EventLog): Promise<string | null> {
  const record = inSpool(pathOf(folder, id), (database) => renumber(database, positionOf(id)));
  try {
    await log.append([record]);
  } catch (error) {
    if (!isRefusedRecord(error)) throw error;
    return error.message;
  }
  settle(folder, id, 'relayed');
  return null;
}

/**
 * Decides that one is never sent: it counts as dropped. @throws SamsaError `bad-request` when there is no such record.
 */
export function discardSetAside(folder: string, id: string): void {
  settle(folder, id, 'dropped');
}

/** Opens a spool that others may have open, too. */
function inSpool<Result>(path: string, use: (database: SqliteDatabase) => Result): Result {
  const database = openSpoolFile(path, { busyTimeoutMs });
  try {
    return use(database);
  } finally {
    database.close();
  }
}

function selectSetAside(database: SqliteDatabase, path: string): readonly SetAsideRecord[] {
  const spool = basename(path, spoolFileEnding);
  return database
    .prepare(
      `SELECT position, name, arrived_ms, key, value, headers, set_aside_ms, why
       FROM set_aside JOIN topic ON number = position / ${positionsPerTopic} ORDER BY set_aside_ms, position`,
    )
    .all()
    .map((row) => {
      const stored = toStored(row);
      return {
        id: `${spool}/${String(row['position'])}`,
        topic: String(row['name']),
        key: stored.key,
        value: stored.value,
        headers: decodeHeaders(stored.headers),
        arrivedMs: Number(row['arrived_ms']),
        setAsideMs: Number(row['set_aside_ms']),
        why: String(row['why']),
        bytes: bytesOf(stored),
      };
    });
}

function toStored(row: Readonly<Record<string, unknown>>) {
  return {
    key: row['key'] as Uint8Array | null,
    value: row['value'] as Uint8Array | null,
    headers: row['headers'] as Uint8Array,
  };
}

const againName = 'sent-again';

function renumber(database: SqliteDatabase, position: number): NewRecord {
  return database.transaction(() => {
    const row = database
      .prepare(
        `SELECT name, key, value, headers FROM set_aside JOIN topic ON number = position / ${positionsPerTopic}
         WHERE position = ?`,
      )
      .get(position);
    if (row === undefined) throw unknown(database.path, position);
    const { key, value, headers: encoded } = toStored(row);
    const stored = decodeHeaders(encoded);
    const envelope = decodeEnvelope(stored);
    const record = { topic: String(row['name']), key, value };
    if (envelope === null || envelope.source.startsWith(`/samsa/${againName}/`)) return { ...record, headers: stored };
    const headers = encodeEnvelope(renumbered(envelope, createEventSource(againName, Date.now)));
    database.prepare('UPDATE set_aside SET headers = ? WHERE position = ?').run(encodeHeaders(headers), position);
    return { ...record, headers };
  });
}

function settle(folder: string, id: string, as: 'relayed' | 'dropped'): void {
  const position = positionOf(id);
  inSpool(pathOf(folder, id), (database) =>
    database.transaction(() => {
      const { changes } = database.prepare('DELETE FROM set_aside WHERE position = ?').run(position);
      if (Number(changes) === 0) throw unknown(database.path, position);
      database
        .prepare(`UPDATE topic SET set_aside = set_aside - 1, ${as} = ${as} + 1 WHERE number = ?`)
        .run(Math.floor(position / positionsPerTopic));
    }),
  );
}

function positionOf(id: string): number {
  return Number(/^[0-9a-f]+\/(\d{1,16})$/.exec(id)?.[1] ?? -1);
}

function pathOf(folder: string, id: string): string {
  const path = join(folder, `${id.split('/')[0]!}${spoolFileEnding}`);
  if (positionOf(id) >= 0 && existsSync(path)) return path;
  throw new SamsaError(
    'bad-request',
    `expected the id of a record that was set aside, as samsa spool list shows it, got ${JSON.stringify(id)}`,
  );
}

function unknown(path: string, position: number): SamsaError {
  return new SamsaError('bad-request', `${path}: record ${position} is not set aside (any more)`);
}
