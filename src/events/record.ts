import { SamsaError } from '../errors.ts';
import { createLruMap } from '../runtime/lru-map.ts';

/** Header names with their bytes, in order; a name may repeat. */
export type RecordHeaders = readonly (readonly [name: string, value: Uint8Array])[];

/** The same, to iterate over; a log may decode them lazily, again for each iteration. */
export type StoredHeaders = Iterable<RecordHeaders[number]> & { readonly length: number };

/** A record to append. */
export type NewRecord = {
  readonly topic: string;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: RecordHeaders;
  /** When it arrived in the log that it is moved from, ms since 1970. Else a log stamps it with its own clock. */
  readonly arrivedMs?: number;
};

/** A record as the log returns it. */
export type StoredRecord = Omit<NewRecord, 'headers' | 'arrivedMs'> & {
  readonly headers: StoredHeaders;
  readonly partition: number;
  readonly offset: number;
  /** When the log stored it (its arrival), in ms since 1970. When it happened is in the envelope. */
  readonly timestamp: number;
};

/** Header names by the bytes they are stored as. Records of one kind all have the same names. */
const knownNames = createLruMap<string, readonly string[]>(500);

/**
 * Headers as one run of bytes, the way records and dead letters store them: the length of the names' part, that part
 * (how many, the length of each, the names as UTF-8), the length of each value, the values. Lengths are LEB128.
 */
export function encodeHeaders(headers: RecordHeaders): Uint8Array {
  const names = namesPartOf(headers);
  let size = names.byteLength;
  for (const [, value] of headers) size += lengthSize(value.byteLength) + value.byteLength;
  const buffer = Buffer.allocUnsafe(size);
  buffer.set(names);
  let at = names.byteLength;
  for (const [, value] of headers) at = writeLength(buffer, at, value.byteLength);
  for (const [, value] of headers) {
    buffer.set(value, at);
    at += value.byteLength;
  }
  return buffer;
}

/** The encoded names of the latest records. Most records have the same names as one shortly before them. */
const recentParts: { readonly names: readonly string[]; readonly part: Uint8Array }[] = [];
const rememberedParts = 8;

/** The names' part with its length before it. */
function namesPartOf(headers: RecordHeaders): Uint8Array {
  for (const { names, part } of recentParts) if (hasNames(headers, names)) return part;
  const names = headers.map(([name]) => name);
  const part = namesPart(names);
  recentParts.unshift({ names, part });
  recentParts.length = Math.min(recentParts.length, rememberedParts);
  return part;
}

function hasNames(headers: RecordHeaders, names: readonly string[]): boolean {
  if (headers.length !== names.length) return false;
  for (let index = 0; index < names.length; index++) if (headers[index]![0] !== names[index]) return false;
  return true;
}

function namesPart(names: readonly string[]): Uint8Array {
  const texts = names.map((name) => Buffer.from(name));
  let size = lengthSize(texts.length);
  for (const { byteLength } of texts) size += lengthSize(byteLength) + byteLength;
  const part = Buffer.alloc(lengthSize(size) + size);
  let at = writeLength(part, 0, size);
  at = writeLength(part, at, texts.length);
  for (const { byteLength } of texts) at = writeLength(part, at, byteLength);
  for (const text of texts) at += text.copy(part, at);
  return part;
}

/**
 * The inverse of `encodeHeaders`, byte for byte. The values share memory with `bytes`.
 * @throws SamsaError `data-folder-unusable` when `bytes` are not headers.
 */
export function decodeHeaders(bytes: Uint8Array): RecordHeaders {
  return headersAt(bytes, layoutOf(bytes));
}

/**
 * As `decodeHeaders`, but decoded only while they are iterated over. A batch of records waits to be folded, and decoded
 * headers would take most of its memory.
 * @throws SamsaError `data-folder-unusable` at once when `bytes` are not headers.
 */
export function headersIn(bytes: Uint8Array): StoredHeaders {
  const layout = layoutOf(bytes);
  return {
    length: layout.names.length,
    [Symbol.iterator]: () => {
      if (lastRead.layout !== layout) lastRead = { layout, headers: headersAt(bytes, layout) };
      return lastRead.headers.values();
    },
  };
}

/** The headers of one record are read twice in a row: to recognise repeats, and to decode its event. */
let lastRead: { readonly layout: Layout | null; readonly headers: RecordHeaders } = { layout: null, headers: [] };

/** Where the values are: one after the other, up to the last byte. */
type Layout = { readonly names: readonly string[]; readonly lengths: readonly number[]; readonly valuesAt: number };

function layoutOf(bytes: Uint8Array): Layout {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = { buffer, at: 0 };
  const namesEnd = readLength(reader) + reader.at;
  const names = decodeNames(reader, namesEnd);
  reader.at = namesEnd;
  let end = 0;
  const lengths = names.map(() => {
    const length = readLength(reader);
    end += length;
    return length;
  });
  if (reader.at + end !== buffer.length) throw damaged(buffer);
  return { names, lengths, valuesAt: reader.at };
}

function headersAt(bytes: Uint8Array, { names, lengths, valuesAt }: Layout): RecordHeaders {
  let at = bytes.byteOffset + valuesAt;
  return names.map((name, index) => {
    const value = new Uint8Array(bytes.buffer, at, lengths[index]);
    at += value.byteLength;
    return [name, value];
  });
}

type Reader = { readonly buffer: Buffer; at: number };

function decodeNames(reader: Reader, end: number): readonly string[] {
  const { buffer } = reader;
  const stored = buffer.toString('latin1', reader.at, end);
  const known = knownNames.get(stored);
  if (known !== undefined) return known;
  const count = readLength(reader);
  if (count > buffer.length) throw damaged(buffer);
  const lengths = Array.from({ length: count }, () => readLength(reader));
  const names = lengths.map((length) => buffer.toString('utf8', reader.at, (reader.at += length)));
  if (reader.at !== end) throw damaged(buffer);
  knownNames.set(stored, names);
  return names;
}

function lengthSize(length: number): number {
  let size = 1;
  for (let rest = length; rest > 127; rest = Math.floor(rest / 128)) size++;
  return size;
}

function writeLength(buffer: Buffer, start: number, length: number): number {
  let at = start;
  let rest = length;
  for (; rest > 127; rest = Math.floor(rest / 128)) buffer[at++] = (rest % 128) + 128;
  buffer[at++] = rest;
  return at;
}

function readLength(reader: Reader): number {
  let length = 0;
  for (let unit = 1; ; unit *= 128) {
    const byte = reader.buffer[reader.at++];
    if (byte === undefined || unit > 2 ** 35) throw damaged(reader.buffer);
    length += (byte & 127) * unit;
    if (byte < 128) return length;
  }
}

function damaged(buffer: Buffer): SamsaError {
  return new SamsaError(
    'data-folder-unusable',
    `expected the headers of a stored record, got ${buffer.length} other bytes. ` +
      'The file is damaged: restore it from a backup.',
  );
}

/** For a few dozen bytes, where `Buffer.compare` takes longer than this loop. */
export function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.byteLength !== other.byteLength) return false;
  for (let index = 0; index < one.byteLength; index++) if (one[index] !== other[index]) return false;
  return true;
}
