import { SamsaError } from '../../errors.ts';
import type { NewRecord } from '../../events/record.ts';
import { partitionOf } from '../topic-rules.ts';
import { createLane, type Lane } from './lane.ts';
import { recordBytes } from './records.ts';
import type { KafkaTopics } from './topics.ts';

export type KafkaAppenderOptions = {
  readonly topics: KafkaTopics;
  /** As `send` of a lane; the records are of one topic. */
  readonly send: (partition: number, records: readonly NewRecord[]) => Promise<void>;
  /** How much may wait. A single larger call is accepted when nothing else waits. */
  readonly limitRecords: number;
  readonly limitBytes: number;
};

type Call = { left: number; error: unknown; readonly resolve: () => void; readonly reject: (error: unknown) => void };
type Entry = { readonly record: NewRecord; readonly partition: number; readonly bytes: number; readonly call: Call };

/** `append` of the Kafka log: decides partitions, and answers each call when all of its records are. */
export function createKafkaAppender({ topics, send, limitRecords, limitBytes }: KafkaAppenderOptions) {
  const lanes = new Map<string, Lane<Entry>>();
  let entering: Promise<unknown> = Promise.resolve();
  let records = 0;
  let bytes = 0;
  let turn = 0;

  const settle = ({ bytes: size, call }: Entry, error: unknown): void => {
    records--;
    bytes -= size;
    call.error ??= error;
    if (--call.left > 0) return;
    if (call.error === null) call.resolve();
    else call.reject(call.error);
  };

  const openLane = (partition: number): Lane<Entry> => {
    const lane = createLane<Entry>({
      send: (batch) =>
        send(
          partition,
          batch.map(({ record }) => record),
        ),
      onSent: (batch) => {
        for (const entry of batch) settle(entry, null);
      },
      onRefused: settle,
      // Later records of the same call must not overtake the failed one.
      onOutage: (batch, error) => {
        const calls = new Set(batch.map(({ call }) => call));
        for (const entry of lane.giveUp(({ call }) => calls.has(call))) settle(entry, error);
      },
    });
    return lane;
  };

  const laneOf = ({ record: { topic }, partition }: Entry): Lane<Entry> =>
    lanes.getOrInsertComputed(`${partition} ${topic}`, () => openLane(partition));

  const enter = async (given: readonly NewRecord[]): Promise<{ readonly answered: Promise<void> }> => {
    const counts = new Map<string, number>();
    for (const { topic } of given) {
      if (!counts.has(topic)) counts.set(topic, (await topics.find(topic)).leaders.length);
    }
    const sizes = given.map(sizeOf);
    const size = sizes.reduce((sum, one) => sum + one, 0);
    if (records > 0 && (records + given.length > limitRecords || bytes + size > limitBytes)) {
      throw tooMuchWaits(records, bytes);
    }
    records += given.length;
    bytes += size;
    const { promise: answered, resolve, reject } = Promise.withResolvers<void>();
    const call: Call = { left: given.length, error: null, resolve, reject };
    for (const [index, record] of given.entries()) {
      const partitions = counts.get(record.topic)!;
      const partition = record.key === null ? turn++ % partitions : partitionOf(record.key, partitions);
      const entry = { record, partition, bytes: sizes[index]!, call };
      laneOf(entry).push(entry);
    }
    return { answered };
  };

  return {
    append: async (given: readonly NewRecord[]): Promise<void> => {
      // Calls enter one after the other: a call whose topic must be looked up must not be overtaken by a later call.
      const entered = entering.then(() => enter(given));
      entering = entered.catch(() => {});
      await (
        await entered
      ).answered;
    },
    /** Resolves when every call has been answered. */
    drain: async (): Promise<void> => {
      await entering;
      for (const lane of lanes.values()) await lane.drain();
    },
  };
}

/** Brokers accept no more than about 1 MB by default. */
const mostRecordBytes = 900_000;

/** About what a record takes. @throws SamsaError `bad-event` where that is too much. */
export function sizeOf(record: NewRecord): number {
  const bytes = recordBytes(record);
  if (bytes <= mostRecordBytes) return bytes;
  throw new SamsaError(
    'bad-event',
    `expected a record for ${record.topic} of at most ${mostRecordBytes} bytes, got ${bytes}. Make it smaller.`,
  );
}

function tooMuchWaits(records: number, bytes: number): SamsaError {
  return new SamsaError(
    'log-unavailable',
    `the log takes no more for now: ${records} records (${bytes} bytes) wait for Kafka. Try again later.`,
    { retryable: true },
  );
}
