import assert from 'node:assert/strict';
import { SamsaError, type ErrorCode } from '../errors.ts';
import type { NewRecord, StoredRecord } from '../events/record.ts';
import type { EventLog, ReadRequest, ReadResult } from './log.ts';

/** A place for the events of one test. */
export type TestedLog = {
  /** Opens the log: the first time, and again as another process would. The contract closes each one. */
  readonly open: () => EventLog | Promise<EventLog>;
  /** Lets everything in the topic expire now; needed where the log `expires`. */
  readonly expire?: (topic: string) => Promise<void>;
  /** Compacts the topic now, as if nothing had been appended for `laterMs`; needed where the log `compacts`. */
  readonly compact?: (topic: string, laterMs: number) => Promise<void>;
};

type OpenedLog = Required<Pick<TestedLog, 'expire' | 'compact'>> & { readonly openAgain: () => Promise<EventLog> };

/** A topic made for one test, in a log opened for it. */
export type TopicUnderTest = {
  readonly name: string;
  readonly id: string;
  readonly opened: OpenedLog;
  readonly log: EventLog;
};

/** Registers one test. Default: four partitions. */
export type LogTest = (behaviour: string, body: (topic: TopicUnderTest) => Promise<void>, partitions?: number) => void;

/** How long a wait may take that is expected to be over sooner. */
export const patienceMs = 30_000;

const never = new AbortController().signal;
const large = 1 << 20;

export function record(topic: TopicUnderTest, key: string, value = ''): NewRecord {
  return { topic: topic.name, key: Buffer.from(key), value: Buffer.from(value), headers: [] };
}

export function read({ log, name, id }: TopicUnderTest, request: Partial<ReadRequest>): Promise<ReadResult> {
  const defaults = { topic: name, topicId: id, partition: 0, from: 0, maxBytes: large, waitMs: 0, signal: never };
  return log.read({ ...defaults, ...request });
}

export async function readAll(
  topic: TopicUnderTest,
  partition: number,
  maxBytes = large,
): Promise<readonly StoredRecord[]> {
  const all: StoredRecord[] = [];
  for (let from = 0; ;) {
    const { records, next, end } = await read(topic, { partition, from, maxBytes });
    all.push(...records);
    if (next >= end) return all;
    assert.ok(next > from, 'a read below the end gives at least one record');
    from = next;
  }
}

export async function endsOf({ log, name }: TopicUnderTest): Promise<readonly number[]> {
  return (await log.describe(name)).partitions.map(({ end }) => end);
}

export async function rejects(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(promise, (error) => error instanceof SamsaError && error.code === code);
}

export function text(data: Uint8Array | null): string {
  return Buffer.from(data ?? []).toString();
}

export function sequence(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
