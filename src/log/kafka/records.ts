import type { MessageToProduce, RecordsBatch } from '@platformatic/kafka';
import {
  equalBytes,
  type NewRecord,
  type RecordHeaders,
  type StoredHeaders,
  type StoredRecord,
} from '../../events/record.ts';
import type { OffsetRange } from '../log.ts';

/** A `null` value is a tombstone: it removes its key from a compacted topic. */
export type KafkaMessage = MessageToProduce<Buffer | null, Buffer | null>;

/**
 * Creates every message that is sent. Header names must be Buffers: the client would retry any others as if the network
 * had failed.
 */
export function toMessage(record: NewRecord, partition: number, timestampMs: number): KafkaMessage {
  return {
    topic: record.topic,
    partition,
    timestamp: BigInt(record.arrivedMs ?? timestampMs),
    key: record.key === null ? null : view(record.key),
    value: record.value === null ? null : view(record.value),
    headers: toKafkaHeaders(record.headers),
  };
}

/** Header names as bytes, encoded once: all records of one kind carry the same names. */
const knownNames = new Map<string, Buffer>();
const knownNamesLimit = 1_000;

function toKafkaHeaders(headers: RecordHeaders): Map<Buffer, Buffer> {
  const all = new Map<Buffer, Buffer>();
  for (const [name, value] of headers) {
    let known = knownNames.get(name);
    if (known === undefined) {
      known = Buffer.from(name);
      if (knownNames.size < knownNamesLimit) knownNames.set(name, known);
    }
    // A repeated name needs its own key object.
    all.set(all.has(known) ? Buffer.from(name) : known, view(value));
  }
  return all;
}

/** The approximate size of a record in the log, before compression. */
export function recordBytes({ key, value, headers }: Pick<StoredRecord, 'key' | 'value' | 'headers'>): number {
  let bytes = (key?.byteLength ?? 0) + (value?.byteLength ?? 0) + 20;
  for (const [name, data] of headers) bytes += Buffer.byteLength(name) + data.byteLength + 4;
  return bytes;
}

/** A record with its size in its batch. */
export type FetchedRecord = StoredRecord & { readonly bytes: number };

/** All records of this producer from this offset up to the marker that ends the transaction. */
export type AbortedTransaction = { readonly producerId: bigint; readonly firstOffset: bigint };

const logAppendTime = 1 << 3;
const transactional = 1 << 4;
const control = 1 << 5;

/**
 * The records of fetched batches from an offset on, and the offset to continue from. A batch may begin before `from`.
 */
export function fromBatches(
  { topic, partition, from }: { readonly topic: string; readonly partition: number; readonly from: number },
  batches: readonly RecordsBatch[],
  aborted: readonly AbortedTransaction[],
): { readonly records: readonly FetchedRecord[]; readonly next: number; readonly skipped: readonly OffsetRange[] } {
  const records: FetchedRecord[] = [];
  const skipped: OffsetRange[] = [];
  const aborts = followAborted(aborted);
  let next = from;
  for (const batch of batches) {
    const first = Number(batch.firstOffset);
    const firstMs = Number(batch.firstTimestamp);
    const stampedByBroker = (batch.attributes & logAppendTime) !== 0;
    // The client has removed batches here.
    if (first > next && aborts.isOpenAt(next)) skip(skipped, next, first);
    const begin = Math.max(next, first);
    next = Math.max(next, first + batch.lastOffsetDelta + 1);
    if (aborts.holds(batch) || (batch.attributes & control) !== 0) {
      skip(skipped, begin, next);
      continue;
    }
    for (const { length: bytes, offsetDelta, timestampDelta, key, value, headers } of batch.records) {
      const offset = first + offsetDelta;
      if (offset < from) continue;
      const timestamp = stampedByBroker ? Number(batch.maxTimestamp) : firstMs + Number(timestampDelta);
      records.push({ topic, partition, offset, timestamp, key, value, headers: toHeaders(headers), bytes });
    }
  }
  return { records, next, skipped };
}

/** Adds a range that begins at or after the end of the last one. */
function skip(skipped: OffsetRange[], from: number, to: number): void {
  if (from === to) return;
  const last = skipped.at(-1);
  if (last?.to === from) skipped[skipped.length - 1] = { from: last.from, to };
  else skipped.push({ from, to });
}

/**
 * Knows which batches belong to aborted transactions. Ask in the order of offsets. The client removes only those whose
 * end came in the same answer, and keeps their end markers.
 */
function followAborted(aborted: readonly AbortedTransaction[]) {
  const ahead = aborted.toSorted((one, other) => Number(one.firstOffset - other.firstOffset));
  const open = new Set<bigint>();
  const goTo = (offset: bigint): void => {
    while (ahead.length > 0 && ahead[0]!.firstOffset <= offset) open.add(ahead.shift()!.producerId);
  };
  return {
    /** Whether an aborted transaction is open at an offset after the last batch asked about. */
    isOpenAt: (offset: number): boolean => {
      goTo(BigInt(offset));
      return open.size > 0;
    },
    holds: ({ attributes, firstOffset, lastOffsetDelta, producerId }: RecordsBatch): boolean => {
      goTo(firstOffset + BigInt(lastOffsetDelta));
      if ((attributes & control) !== 0) open.delete(producerId);
      return (attributes & transactional) !== 0 && open.has(producerId);
    },
  };
}

type KafkaHeaders = readonly [Buffer | null, Buffer | null][];

/** Headers are decoded when they are iterated over: not all of a record's headers are used. */
function toHeaders(headers: KafkaHeaders): StoredHeaders {
  return { length: headers.length, [Symbol.iterator]: () => eachHeader(headers) };
}

function* eachHeader(headers: KafkaHeaders): Generator<RecordHeaders[number], undefined> {
  for (let index = 0; index < headers.length; index++) {
    const [name, value] = headers[index]!;
    yield [name === null ? '' : nameAt(index, name), value ?? Buffer.alloc(0)];
  }
}

/** The last name at each place among the headers: comparing bytes takes a tenth of the time of decoding text. */
const lastNames: { readonly bytes: Buffer; readonly name: string }[] = [];
const lastNamesLimit = 100;

function nameAt(index: number, bytes: Buffer): string {
  const last = lastNames[index];
  if (last !== undefined && equalBytes(last.bytes, bytes)) return last.name;
  const name = bytes.toString();
  if (index < lastNamesLimit) lastNames[index] = { bytes: Buffer.from(bytes), name };
  return name;
}

function view(data: Uint8Array): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
