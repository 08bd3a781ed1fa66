import { isUtf8 } from 'node:buffer';
import type { Config } from '../../config/config.ts';
import type { DeadLetterStatus, KeptDeadLetter } from '../../progress/dead-letter-book.ts';
import { SamsaError } from '../../errors.ts';
import type { DeadLetterFilter } from '../../projection/dead-letters.ts';
import { dayMs, hourMs } from '../../runtime/time.ts';

export type FilterOptions = {
  readonly projection?: string;
  readonly cause?: string;
  readonly reason?: string;
  readonly since?: string;
  readonly until?: string;
};

/** The dead letters that a command line selects. */
export type Selection = {
  /** All projections when missing. */
  readonly projection?: string;
  readonly filter: DeadLetterFilter;
};

/** Reads a command line: one selection per id, or one without ids. @throws SamsaError `bad-request`. */
export function selectionsOf(
  { trend, recommendation }: Pick<Config, 'trend' | 'recommendation'>,
  ids: readonly string[],
  { projection, cause, reason, since, until }: FilterOptions,
  nowMs: number,
): readonly Selection[] {
  const groupIds: Readonly<Record<string, string>> = { trend: trend.groupId, recommendation: recommendation.groupId };
  const named = projection === undefined ? {} : { projection: groupIds[projection] ?? projection };
  const filter = {
    ...(cause !== undefined && { cause }),
    ...(reason !== undefined && { reason }),
    ...(since !== undefined && { sinceMs: timeOf('since', since, nowMs) }),
    ...(until !== undefined && { untilMs: timeOf('until', until, nowMs) }),
  };
  if ((filter.sinceMs ?? 0) > (filter.untilMs ?? Number.POSITIVE_INFINITY)) {
    throw new SamsaError('bad-request', '--since and --until: expected the earlier time in --since, got the later one');
  }
  if (ids.length === 0) return [{ ...named, filter }];
  return ids.map((id) => {
    const { projection: meant, ...at } = parseId(id);
    if (named.projection !== undefined && named.projection !== meant) {
      throw new SamsaError('bad-request', `expected dead letters of ${named.projection}, got ${id}`);
    }
    return { projection: meant, filter: { ...filter, at } };
  });
}

/**
 * Call it when no dead letter was found. @throws SamsaError `bad-request` when no projection has the name asked for.
 */
export function requireProjection(
  { trend, recommendation }: Pick<Config, 'trend' | 'recommendation'>,
  { projection }: FilterOptions,
): void {
  const names = ['trend', 'recommendation', 'spool', trend.groupId, recommendation.groupId];
  if (projection === undefined || projection === searchIndex || names.includes(projection)) return;
  throw new SamsaError(
    'bad-request',
    `--projection: expected ${names.join(', ')} or ${searchIndex}, got ${JSON.stringify(projection)}`,
  );
}

const searchIndex = 'search-index';

/** The id of a dead letter, as commands show and accept it. */
export function idOf(letter: {
  readonly projection: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}): string {
  return `${letter.projection}/${letter.topic}/${letter.partition}/${letter.offset}`;
}

function parseId(id: string) {
  const parts = /^(.+)\/([^/]+)\/(\d{1,10})\/(\d{1,15})$/.exec(id);
  if (parts === null) {
    throw new SamsaError(
      'bad-request',
      `expected a dead letter's id, PROJECTION/TOPIC/PARTITION/OFFSET as the list shows it, got ${JSON.stringify(id)}`,
    );
  }
  return { projection: parts[1]!, topic: parts[2]!, partition: Number(parts[3]), offset: Number(parts[4]) };
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: hourMs, d: dayMs };
const dateAndTime = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/;

/** A date, a date with a time, or how long ago: `90m`, `24h`, `7d`. */
function timeOf(option: string, given: string, nowMs: number): number {
  const ago = /^(\d{1,6})([smhd])$/.exec(given);
  if (ago !== null) return nowMs - Number(ago[1]) * unitMs[ago[2]!]!;
  const time = dateAndTime.test(given) ? Date.parse(given) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw new SamsaError(
    'bad-request',
    `--${option}: expected a time like 2031-05-04, 2031-05-04T10:00Z, or 24h for a day ago, got ${JSON.stringify(given)}`,
  );
}

const statuses = ['waiting', 'redriven', 'discarded'] as const;

/** @returns undefined for `all`. @throws SamsaError `bad-request`. */
export function statusOf(given: string): DeadLetterStatus | undefined {
  if (given === 'all') return undefined;
  const status = statuses.find((known) => known === given);
  if (status !== undefined) return status;
  throw new SamsaError('bad-request', `--status: expected ${statuses.join(', ')} or all, got ${JSON.stringify(given)}`);
}

const shownBytes = 2_048;
const shownHeaders = 100;
const hexPerLine = 32;
const shownReason = 120;

/** One line. Control characters from the record are escaped. */
export function summarise(letter: KeptDeadLetter): string {
  const { status, cause, value, reason } = letter;
  const bytes = value === null ? 'null' : `${value.byteLength} B`;
  const why = reason.length > shownReason ? `${reason.slice(0, shownReason)}…` : reason;
  return [idOf(letter), status, cause, arrivalOf(letter), bytes, printable(why)].join('  ');
}

/** A dead letter without its bytes, for programs. */
export function factsOf(letter: KeptDeadLetter): Readonly<Record<string, unknown>> {
  const { projection, topic, partition, offset, status, cause, reason, key, value } = letter;
  return {
    id: idOf(letter),
    projection,
    topic,
    partition,
    offset,
    status,
    cause,
    reason,
    arrived: arrivalOf(letter),
    key_bytes: key?.byteLength ?? null,
    value_bytes: value?.byteLength ?? null,
  };
}

/** A whole dead letter, for programs; bytes in base64. */
export function wholeOf(letter: KeptDeadLetter): Readonly<Record<string, unknown>> {
  const base64 = (bytes: Uint8Array | null): string | null =>
    bytes === null ? null : Buffer.from(bytes).toString('base64');
  return {
    ...factsOf(letter),
    key: base64(letter.key),
    value: base64(letter.value),
    headers: letter.headers.map(([name, value]) => ({ name, value: base64(value) })),
  };
}

/** A whole dead letter for people. Long keys and values are cut. */
export function describeLetter(letter: KeptDeadLetter): readonly string[] {
  const { status, cause, reason } = letter;
  const lines = [
    `id       ${printable(idOf(letter))}`,
    `status   ${status}`,
    `cause    ${cause}`,
    `reason   ${printable(reason.slice(0, shownBytes))}`,
    `arrived  ${arrivalOf(letter)}`,
  ];
  return [...lines, ...describeRecord(letter)];
}

/** Headers, key and value for people. */
export function describeRecord({
  headers,
  key,
  value,
}: Pick<KeptDeadLetter, 'headers' | 'key' | 'value'>): readonly string[] {
  const lines = [`headers  ${headers.length}`];
  for (const [name, bytes] of headers.slice(0, shownHeaders)) {
    const [first, ...more] = describeBytes(bytes);
    lines.push(`  ${printable(name)}: ${first!}`, ...more);
  }
  if (headers.length > shownHeaders) lines.push(`  … ${headers.length - shownHeaders} more`);
  for (const [name, bytes] of [
    ['key', key],
    ['value', value],
  ] as const) {
    const [first, ...more] = bytes === null ? ['null'] : describeBytes(bytes);
    lines.push(`${name.padEnd(9)}${first!}`, ...more);
  }
  return lines;
}

/** The length, then the bytes as text if they are UTF-8, else in hexadecimal. */
function describeBytes(bytes: Uint8Array): readonly string[] {
  const { byteLength } = bytes;
  if (byteLength === 0) return ['0 bytes'];
  const cut = byteLength > shownBytes ? `, the first ${shownBytes}` : '';
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, byteLength);
  if (isUtf8(whole))
    return [`${byteLength} bytes of UTF-8${cut}`, `    ${printable(whole.toString('utf8', 0, shownBytes))}`];
  const hex = whole.subarray(0, shownBytes).toString('hex');
  const lines = hex.match(new RegExp(`.{1,${hexPerLine * 2}}`, 'g')) ?? [];
  return [`${byteLength} bytes, not UTF-8${cut}, in hexadecimal`, ...lines.map((line) => `    ${line}`)];
}

/** Escapes control and formatting characters, so that a record cannot send commands to a terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) => {
    return `\\u{${character.codePointAt(0)!.toString(16)}}`;
  });
}

function arrivalOf({ timestamp }: KeptDeadLetter): string {
  return new Date(timestamp).toISOString();
}
