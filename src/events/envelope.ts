import { randomBytes, randomUUIDv7 } from 'node:crypto';
import { SamsaError } from '../errors.ts';
import { createLruMap } from '../runtime/lru-map.ts';
import { dayMs } from '../runtime/time.ts';
import { equalBytes, type RecordHeaders, type StoredHeaders, type StoredRecord } from './record.ts';

/**
 * The attributes of an event: CloudEvents 1.0, Kafka protocol binding, binary mode. They are in `ce_*` headers, so that
 * key and value stay what the tutorial's programs expect.
 */
export type Envelope = {
  /** UUIDv7. Stays the same through retry, spool, dead letter and redrive. */
  readonly id: string;
  /** Who numbered it: `/samsa/<spool id>/<random>`, a new one each time a producer is opened. */
  readonly source: string;
  /** Rises by one per source. */
  readonly sequence: number;
  readonly type: string;
  /** When it happened, in milliseconds since 1970. */
  readonly time: number;
  /** Extension attributes by their name without `ce_`, e.g. `reader`, `weight`, `bookversion`. */
  readonly extensions: Readonly<Record<string, string>>;
};

/** Checks and decodes in one pass: this runs eight times per event. */
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** The code of the digit 0. */
const zero = 48;
const latestEventMs = 8_640_000_000_000_000;
const contentType = ['content-type', Buffer.from('application/json')] as const;
const specVersion = ['ce_specversion', Buffer.from('1.0')] as const;

/** The headers of an event whose value is JSON. */
export function encodeEnvelope(envelope: Envelope): RecordHeaders {
  const headers: (readonly [string, Uint8Array])[] = [
    specVersion,
    ['ce_id', Buffer.from(envelope.id)],
    ['ce_source', sourceBytes(envelope.source)],
    ['ce_type', typeBytes(envelope.type)],
    ['ce_time', timeBytes(envelope.time)],
    ['ce_sequence', Buffer.from(String(envelope.sequence).padStart(20, '0'))],
  ];
  const { extensions } = envelope;
  for (const name in extensions) headers.push([headerName(name), Buffer.from(extensions[name]!)]);
  headers.push(contentType);
  return headers;
}

/** One object for each name, since names are compared for every event. */
const headerName = rememberingNames((extension) => `ce_${extension}`);
const extensionName = rememberingNames((header) => header.slice('ce_'.length));

function rememberingNames(convert: (name: string) => string): (name: string) => string {
  const known = createLruMap<string, string>(100);
  return (name) => {
    let converted = known.get(name);
    if (converted === undefined) {
      converted = convert(name);
      known.set(name, converted);
    }
    return converted;
  };
}

/** Consecutive events mostly have the same source, type and time. */
const sourceBytes = rememberingLast((source: string) => Buffer.from(source));
const typeBytes = rememberingLast((type: string) => Buffer.from(type));
const timeBytes = rememberingLast((ms: number) => Buffer.from(new Date(ms).toISOString()));

function rememberingLast<From, To>(convert: (from: From) => To): (from: From) => To {
  let last: { readonly from: From; readonly to: To } | null = null;
  return (from) => {
    if (last === null || last.from !== from) last = { from, to: convert(from) };
    return last.to;
  };
}

/**
 * Source and sequence are those of the mark, which was mostly decoded before.
 * @returns `null` for a plain message, which has no `ce_*` header.
 * @throws SamsaError `bad-event` when `ce_*` headers cannot be read.
 */
export function decodeEnvelope(headers: StoredHeaders): Envelope | null {
  const mark = decodeMark(headers);
  let id = '';
  let source: Uint8Array | null = null;
  let type = '';
  let time: Uint8Array | null = null;
  let sequence: Uint8Array | null = null;
  const extensions = Object.create(null) as Record<string, string>;
  let found = false;
  for (const [name, value] of headers) {
    if (!name.startsWith('ce_')) continue;
    found = true;
    if (name === 'ce_sequence') sequence = value;
    else if (name === 'ce_id') id = decodeAttribute(name, value);
    else if (name === 'ce_source') source = value;
    else if (name === 'ce_type') type = decodeType(value) ?? decodeAttribute(name, value);
    else if (name === 'ce_time') time = value;
    else if (name !== 'ce_specversion') extensions[extensionName(name)] = decodeAttribute(name, value);
  }
  if (!found) return null;
  return {
    id: required('ce_id', id),
    source: mark?.source ?? required('ce_source', source === null ? '' : decodeAttribute('ce_source', source)),
    type: required('ce_type', type),
    time: decodeTime(time),
    sequence: mark?.sequence ?? decodeSequence(sequence),
    extensions,
  };
}

type Mark = { readonly source: string; readonly sequence: number };

/** Where headers keep their mark: two projections on one thread ask for it. */
const decodedMark = Symbol('decoded mark');
type MarkedHeaders = StoredHeaders & { [decodedMark]?: Mark | null };

/**
 * Only the source and the sequence, to find repeats; much cheaper than the whole envelope. `null` for plain messages
 * and when one of the two cannot be read. If a header repeats, the first one may count.
 */
export function decodeMark(headers: MarkedHeaders): Mark | null {
  if (headers[decodedMark] === undefined) headers[decodedMark] = findMark(headers);
  return headers[decodedMark];
}

function findMark(headers: StoredHeaders): Mark | null {
  let source = '';
  let sequence = Number.NaN;
  for (const [name, value] of headers) {
    if (name === 'ce_source') source = decodeSource(value) ?? '';
    else if (name === 'ce_sequence') sequence = sequenceOf(value);
    else continue;
    if (source !== '' && !Number.isNaN(sequence)) break;
  }
  return source === '' || Number.isNaN(sequence) ? null : { source, sequence };
}

/** An event that is older than this at its arrival is late: counted as late and not applied. */
const latestArrivalMs = 7 * dayMs;

/**
 * The time of an event, decided from its record alone: `'late'` when it happened more than seven days before it
 * arrived, and never later than its arrival. Plain messages happened when they arrived.
 */
export function eventTime(record: StoredRecord, envelope: Envelope | null): number | 'late' {
  if (envelope === null) return record.timestamp;
  if (record.timestamp - envelope.time > latestArrivalMs) return 'late';
  return Math.min(envelope.time, record.timestamp);
}

/** Who numbered an event, and with which number; for a plain message, its place in the log. */
export function markOf({ partition, offset }: StoredRecord, envelope: Envelope | null): Mark {
  return envelope ?? { source: partitionName(partition), sequence: offset };
}

const partitionNames: string[] = [];

function partitionName(partition: number): string {
  return (partitionNames[partition] ??= String(partition).padStart(10, '0'));
}

/** Orders events that happened at the same time. */
export function tieBreakOf({ source, sequence }: Mark): string {
  return `${source}/${String(sequence).padStart(20, '0')}`;
}

/** The same event with a new number, to be sent after others that came later. It keeps its id and time. */
export function renumbered({ id, time, type, extensions }: Envelope, source: EventSource): Envelope {
  return { ...source.next(type, extensions), id, time };
}

/** The bytes as text; the caller has checked that they are UTF-8. */
export function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

/** Consecutive events mostly have the same source and type: comparing the bytes is much cheaper than decoding them. */
const decodeSource = createTextMemory();
const decodeType = createTextMemory();

/** Decodes UTF-8, and remembers the last text. `null` when it is not UTF-8. */
function createTextMemory(): (value: Uint8Array) => string | null {
  let last = { bytes: new Uint8Array(), text: '' };
  return (value) => {
    if (equalBytes(value, last.bytes)) return last.text;
    try {
      last = { text: strictUtf8.decode(value), bytes: new Uint8Array(value) };
      return last.text;
    } catch {
      return null;
    }
  };
}

function decodeAttribute(name: string, value: Uint8Array): string {
  try {
    return strictUtf8.decode(value);
  } catch (cause) {
    throw new SamsaError('bad-event', `header ${name}: expected UTF-8`, { cause });
  }
}

function required(header: string, value: string): string {
  if (value === '') throw new SamsaError('bad-event', `header ${header} is missing`);
  return value;
}

function decodeTime(bytes: Uint8Array | null): number {
  if (bytes === null || bytes.byteLength === 0) throw new SamsaError('bad-event', 'header ce_time is missing');
  const known = timeOfKnownDay(bytes);
  if (!Number.isNaN(known)) return known;
  const value = decodeAttribute('ce_time', bytes);
  const time = Date.parse(value);
  if (Number.isNaN(time) || Math.abs(time) > latestEventMs) {
    throw new SamsaError('bad-event', `header ce_time: expected RFC 3339, got ${JSON.stringify(value.slice(0, 40))}`);
  }
  if (value.length === ownTime.length && new Date(time).toISOString() === value) {
    knownDay = { bytes: bytes.slice(0, dayLength), startMs: Date.parse(value.slice(0, dayLength)) };
  }
  return time;
}

/** The form in which we write times. */
const ownTime = '0000-00-00T00:00:00.000Z';
const dayLength = ownTime.indexOf('T');
let knownDay: { readonly bytes: Uint8Array; readonly startMs: number } = {
  bytes: new Uint8Array(),
  startMs: Number.NaN,
};

/** A time of the last day, without making text of it; NaN for other days and other forms. */
function timeOfKnownDay(bytes: Uint8Array): number {
  if (bytes.byteLength !== ownTime.length) return Number.NaN;
  for (let at = 0; at < dayLength; at++) if (bytes[at] !== knownDay.bytes[at]) return Number.NaN;
  for (let at = dayLength; at < ownTime.length; at++) {
    const code = bytes[at]!;
    const expected = ownTime.charCodeAt(at);
    if (expected === zero ? code < zero || code > zero + 9 : code !== expected) return Number.NaN;
  }
  const hours = numberAt(bytes, 11, 2);
  const minutes = numberAt(bytes, 14, 2);
  const seconds = numberAt(bytes, 17, 2);
  if (hours > 23 || minutes > 59 || seconds > 59) return Number.NaN;
  return knownDay.startMs + ((hours * 60 + minutes) * 60 + seconds) * 1_000 + numberAt(bytes, 20, 3);
}

function numberAt(bytes: Uint8Array, from: number, digits: number): number {
  let number = 0;
  for (let at = from; at < from + digits; at++) number = number * 10 + bytes[at]! - zero;
  return number;
}

function decodeSequence(value: Uint8Array | null): number {
  if (value === null || value.byteLength === 0) throw new SamsaError('bad-event', 'header ce_sequence is missing');
  const sequence = sequenceOf(value);
  if (Number.isNaN(sequence)) {
    const got = JSON.stringify(text(value.subarray(0, 40)));
    throw new SamsaError('bad-event', `header ce_sequence: expected digits, got ${got}`);
  }
  return sequence;
}

/** NaN unless it is 1 to 20 digits and a number that a double holds exactly. */
function sequenceOf(value: Uint8Array): number {
  if (value.byteLength === 0 || value.byteLength > 20) return Number.NaN;
  let sequence = 0;
  for (const code of value) {
    if (code < zero || code > zero + 9) return Number.NaN;
    sequence = sequence * 10 + code - zero;
  }
  return Number.isSafeInteger(sequence) ? sequence : Number.NaN;
}

/** Numbers the events of one producer, from the moment it is opened. */
export type EventSource = {
  /** A new envelope: fresh id, this source, the next sequence number. */
  readonly next: (type: string, extensions: Readonly<Record<string, string>>) => Envelope;
};

/**
 * A source that counts from 1, with a name that was never used before: `/samsa/<name>/<random>`.
 * Sequence order is the order of `next` calls; append in that order.
 */
export function createEventSource(name: string, clock: () => number): EventSource {
  const source = `/samsa/${name}/${randomBytes(9).toString('base64url')}`;
  let sequence = 0;
  return {
    next: (type, extensions) => {
      return { id: randomUUIDv7(), source, sequence: ++sequence, type, time: clock(), extensions };
    },
  };
}
