import type { MessageToProduce, RecordsBatch } from '@platformatic/kafka';
import { equalBytes } from '../../runtime/equal-bytes.ts';
import type { NewRecord, RecordHeaders, StoredHeaders, StoredRecord } from '../../events/record.ts';
import type { OffsetRange } from '../log.ts';

/** `null` is written as such: a value that is none removes its key where a topic is compacted. */
export type KafkaMessage = MessageToProduce<Buffer | null, Buffer | null>;

/** The one place where messages are made: header names that are no Buffers are taken for a broken network. */
export function toMessage(record: NewRecord, partition: number, timestampMs: number): KafkaMessage {
  return {
    topic: record.topic,
    partition,
    timestamp: BigInt(timestampMs),
    key: record.key === null ? null : view(record.key),
    value: record.value === null ? null : view(record.value),
    headers: toKafkaHeaders(record.headers),
  };
}

/** As bytes, once each: all records of one kind carry the same names. */
const knownNames = new Map<string, Buffer>();
const mostKnownNames = 1_000;

function toKafkaHeaders(headers: RecordHeaders): Map<Buffer, Buffer> {
  const all = new Map<Buffer, Buffer>();
  for (const [name, value] of headers) {
    let known = knownNames.get(name);
    if (known === undefined) {
      known = Buffer.from(name);
      if (knownNames.size < mostKnownNames) knownNames.set(name, known);
    }
    // A key of its own where a name repeats.
    all.set(all.has(known) ? Buffer.from(name) : known, view(value));
  }
  return all;
}

/** About what a record takes in the log before compression. */
export function recordBytes({ key, value, headers }: Pick<StoredRecord, 'key' | 'value' | 'headers'>): number {
  let bytes = (key?.byteLength ?? 0) + (value?.byteLength ?? 0) + 20;
  for (const [name, data] of headers) bytes += Buffer.byteLength(name) + data.byteLength + 4;
  return bytes;
}

/** A record with the bytes it takes in its batch. */
export type FetchedRecord = StoredRecord & { readonly bytes: number };

/** Every record of this producer from this offset up to the marker that ends the transaction. */
export type AbortedTransaction = { readonly producerId: bigint; readonly firstOffset: bigint };

const logAppendTime = 1 << 3;
const transactional = 1 << 4;
const control = 1 << 5;

/** What fetched batches hold from an offset on, and the offset to go on from. Batches come whole, so also less. */
export function fromBatches(
  { topic, partition, from }: { readonly topic: string; readonly partition: number; readonly from: number },
  batches: readonly RecordsBatch[],
  aborted: readonly AbortedTransaction[],
): { readonly records: readonly FetchedRecord[]; readonly next: number; readonly skipped: readonly OffsetRange[] } {
  const records: FetchedRecord[] = [];
  const skipped: OffsetRange[] = [];
  const givenUp = followGivenUp(aborted);
  let next = from;
  for (const batch of batches) {
    const first = Number(batch.firstOffset);
    const firstMs = Number(batch.firstTimestamp);
    const stampedByBroker = (batch.attributes & logAppendTime) !== 0;
    // Here the client has taken batches out.
    if (first > next && givenUp.isUnderWayAt(next)) skip(skipped, next, first);
    const begin = Math.max(next, first);
    next = Math.max(next, first + batch.lastOffsetDelta + 1);
    if (givenUp.holds(batch) || (batch.attributes & control) !== 0) {
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

/** Adds a range that begins where the last one ends, or beyond it. */
function skip(skipped: OffsetRange[], from: number, to: number): void {
  if (from === to) return;
  const last = skipped.at(-1);
  if (last?.to === from) skipped[skipped.length - 1] = { from: last.from, to };
  else skipped.push({ from, to });
}

/**
 * Follows the transactions that were given up through the batches, each to be asked about in order. The client takes out
 * only those whose end came with the same answer: their ends it leaves in.
 */
function followGivenUp(aborted: readonly AbortedTransaction[]) {
  const ahead = aborted.toSorted((one, other) => Number(one.firstOffset - other.firstOffset));
  const open = new Set<bigint>();
  const goTo = (offset: bigint): void => {
    while (ahead.length > 0 && ahead[0]!.firstOffset <= offset) open.add(ahead.shift()!.producerId);
  };
  return {
    /** Whether an offset behind the last batch asked about is in one of them, be it between its records. */
    isUnderWayAt: (offset: number): boolean => {
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

/** Each made anew when it is come to: most records of a batch wait, and not all of their headers are looked at. */
function toHeaders(headers: KafkaHeaders): StoredHeaders {
  return { length: headers.length, [Symbol.iterator]: () => eachHeader(headers) };
}

function* eachHeader(headers: KafkaHeaders): Generator<RecordHeaders[number], undefined> {
  for (let index = 0; index < headers.length; index++) {
    const [name, value] = headers[index]!;
    yield [name === null ? '' : nameAt(index, name), value ?? Buffer.alloc(0)];
  }
}

/** The names met last, by their place among the headers: to compare bytes takes a tenth of what making text does. */
const metNames: { readonly bytes: Buffer; readonly name: string }[] = [];
const mostMetNames = 100;

function nameAt(index: number, bytes: Buffer): string {
  const met = metNames[index];
  if (met !== undefined && equalBytes(met.bytes, bytes)) return met.name;
  const name = bytes.toString();
  if (index < mostMetNames) metNames[index] = { bytes: Buffer.from(bytes), name };
  return name;
}

function view(data: Uint8Array): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
