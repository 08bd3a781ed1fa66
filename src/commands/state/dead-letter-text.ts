import { isUtf8 } from 'node:buffer';
import type { KeptDeadLetter } from '../../progress/dead-letter-book.ts';
import { idOf } from './dead-letter-selection.ts';

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
