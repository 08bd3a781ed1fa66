import { isUtf8 } from 'node:buffer';
import { SamsaError } from '../errors.ts';
import type { RecordHeaders, StoredRecord } from './record.ts';

/**
 * What every event of ours says about itself: CloudEvents 1.0, Kafka protocol binding, binary mode. Attributes ride in
 * `ce_*` headers so that key and value stay what the tutorial's programs expect.
 */
export type Envelope = {
  /** UUIDv7, minted once and kept through retry, spool, dead letter and redrive. */
  readonly id: string;
  /** Who numbered it: `/samsa/<spool id>/<random, minted at every opening>`. */
  readonly source: string;
  /** Rises by one per source. */
  readonly sequence: number;
  readonly type: string;
  /** When it happened, in milliseconds since 1970. */
  readonly time: number;
  /** Extension attributes by their name without `ce_`, e.g. `reader`, `weight`, `bookversion`. */
  readonly extensions: Readonly<Record<string, string>>;
};

const latestEventMs = 8_640_000_000_000_000;
const contentType = ['content-type', Buffer.from('application/json')] as const;
const specVersion = ['ce_specversion', Buffer.from('1.0')] as const;

/** The headers of an event whose value is JSON. */
export function encodeEnvelope(envelope: Envelope): RecordHeaders {
  const headers: (readonly [string, Uint8Array])[] = [
    specVersion,
    ['ce_id', Buffer.from(envelope.id)],
    ['ce_source', Buffer.from(envelope.source)],
    ['ce_type', Buffer.from(envelope.type)],
    ['ce_time', Buffer.from(new Date(envelope.time).toISOString())],
    ['ce_sequence', Buffer.from(String(envelope.sequence).padStart(20, '0'))],
  ];
  for (const [name, value] of Object.entries(envelope.extensions)) headers.push([`ce_${name}`, Buffer.from(value)]);
  headers.push(contentType);
  return headers;
}

/**
 * Reads an envelope back. `null` for a plain message, one without any `ce_*` header.
 * @throws SamsaError `bad-event` when `ce_*` headers are there but unusable.
 */
export function decodeEnvelope(headers: RecordHeaders): Envelope | null {
  const attributes: Record<string, string> = Object.create(null) as Record<string, string>;
  let found = false;
  for (const [name, value] of headers) {
    if (!name.startsWith('ce_')) continue;
    if (!isUtf8(value)) throw new SamsaError('bad-event', `header ${name}: expected UTF-8`);
    attributes[name.slice(3)] = text(value);
    found = true;
  }
  if (!found) return null;
  const { id, source, type, time, sequence, specversion: _, ...extensions } = attributes;
  return {
    id: required('ce_id', id),
    source: required('ce_source', source),
    type: required('ce_type', type),
    time: decodeTime(required('ce_time', time)),
    sequence: decodeSequence(required('ce_sequence', sequence)),
    extensions,
  };
}

/**
 * Only who numbered the event and its number, for finding repeats; much cheaper than the whole envelope.
 * `null` for plain messages and for headers that `decodeEnvelope` would refuse.
 */
export function decodeMark(headers: RecordHeaders): { source: string; sequence: number } | null {
  let source = '';
  let sequence = Number.NaN;
  for (const [name, value] of headers) {
    if (name === 'ce_source') source = isUtf8(value) ? text(value) : '';
    else if (name === 'ce_sequence') sequence = sequenceOf(text(value));
  }
  return source === '' || Number.isNaN(sequence) ? null : { source, sequence };
}

/** Beyond this age at arrival an event is late: counted as such and not applied. */
const latestArrivalMs = 7 * 86_400_000;

/**
 * The event time a projection works with, decided from the record alone: `'late'` when it happened more than seven
 * days before it arrived, and never later than its arrival. Plain messages happened when they arrived.
 */
export function eventTime(record: StoredRecord, envelope: Envelope | null): number | 'late' {
  if (envelope === null) return record.timestamp;
  if (record.timestamp - envelope.time > latestArrivalMs) return 'late';
  return Math.min(envelope.time, record.timestamp);
}

/** The bytes as text; the caller has checked that they are UTF-8. */
export function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

function required(header: string, value: string | undefined): string {
  if (value === undefined || value === '') throw new SamsaError('bad-event', `header ${header} is missing`);
  return value;
}

function decodeTime(value: string): number {
  const time = Date.parse(value);
  if (Number.isNaN(time) || Math.abs(time) > latestEventMs) {
    throw new SamsaError('bad-event', `header ce_time: expected RFC 3339, got ${JSON.stringify(value.slice(0, 40))}`);
  }
  return time;
}

function decodeSequence(value: string): number {
  const sequence = sequenceOf(value);
  if (Number.isNaN(sequence)) {
    throw new SamsaError('bad-event', `header ce_sequence: expected digits, got ${JSON.stringify(value.slice(0, 40))}`);
  }
  return sequence;
}

/** NaN for what is none. */
function sequenceOf(value: string): number {
  const sequence = /^\d{1,20}$/.test(value) ? Number(value) : Number.NaN;
  return Number.isSafeInteger(sequence) ? sequence : Number.NaN;
}
