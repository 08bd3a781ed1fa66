import { SamsaError } from '../errors.ts';
import type { NewRecord } from '../events/record.ts';
import type { AppendedAt } from './log.ts';

/** A record whose partition is decided. */
export type Addressed = { readonly record: NewRecord; readonly partition: number; readonly bytes: number };

export type PublisherOptions = {
  /** Appends records of one topic and partition and gives the first one's offset; the others follow it without a gap. */
  readonly send: (partition: number, records: readonly NewRecord[]) => Promise<number>;
  /** Whether a failed `send` was refused for what is in it, so that its records are worth sending one by one. */
  readonly refusesRecords: (error: unknown) => boolean;
  /** What may wait at once; a single larger call is taken when nothing else waits. */
  readonly limitRecords: number;
  readonly limitBytes: number;
};

export type Publisher = {
  /** @throws SamsaError `store-unavailable` (retryable) when too much waits; else what `send` failed with. */
  readonly publish: (records: readonly Addressed[]) => Promise<readonly AppendedAt[]>;
  /** Resolves when every call has been answered. */
  readonly drain: () => Promise<void>;
};

type Call = {
  readonly appended: AppendedAt[];
  left: number;
  readonly resolve: (appended: readonly AppendedAt[]) => void;
  readonly reject: (error: unknown) => void;
};
type Entry = Addressed & { readonly call: Call; readonly index: number };
type Queue = { readonly partition: number; waiting: Entry[]; sending: Promise<void> | null };

const batchRecords = 500;
const batchBytes = 512 << 10;

/**
 * One queue per partition with never more than one `send` under way: only so do a producer's endless repetitions keep
 * the order and append nothing twice. What comes within one turn of the event loop goes out together.
 */
export function createPublisher(options: PublisherOptions): Publisher {
  const queues = new Map<string, Queue>();
  let records = 0;
  let bytes = 0;

  const queueOf = (topic: string, partition: number): Queue => {
    const name = `${partition} ${topic}`;
    let queue = queues.get(name);
    if (queue === undefined) queues.set(name, (queue = { partition, waiting: [], sending: null }));
    return queue;
  };

  const settle = ({ bytes: size, call, index, partition }: Entry, offset: number | null, error?: unknown): void => {
    records--;
    bytes -= size;
    if (offset === null) return call.reject(error);
    call.appended[index] = { partition, offset };
    if (--call.left === 0) call.resolve(call.appended);
  };

  const sendBatch = async (queue: Queue, batch: readonly Entry[]): Promise<void> => {
    try {
      const first = await options.send(
        queue.partition,
        batch.map(({ record }) => record),
      );
      for (const [index, entry] of batch.entries()) settle(entry, first + index);
    } catch (error) {
      if (batch.length > 1 && options.refusesRecords(error)) {
        for (const entry of batch) await sendBatch(queue, [entry]);
      } else {
        for (const entry of batch) settle(entry, null, error);
      }
    }
  };

  const sendAll = async (queue: Queue): Promise<void> => {
    while (queue.waiting.length > 0) {
      await eventLoopTurn();
      await sendBatch(queue, queue.waiting.splice(0, fitting(queue.waiting)));
    }
    queue.sending = null;
  };

  return {
    publish: (addressed) => {
      const size = addressed.reduce((sum, one) => sum + one.bytes, 0);
      if (records > 0 && (records + addressed.length > options.limitRecords || bytes + size > options.limitBytes)) {
        return Promise.reject(tooMuchWaits(records, bytes));
      }
      records += addressed.length;
      bytes += size;
      return new Promise((resolve, reject) => {
        const call: Call = { appended: [], left: addressed.length, resolve, reject };
        for (const [index, one] of addressed.entries()) {
          const queue = queueOf(one.record.topic, one.partition);
          queue.waiting.push({ ...one, call, index });
          queue.sending ??= sendAll(queue);
        }
      });
    },
    drain: async () => {
      for (;;) {
        const sending = [...queues.values()].flatMap((queue) => queue.sending ?? []);
        if (sending.length === 0) return;
        await Promise.all(sending);
      }
    },
  };
}

function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function fitting(waiting: readonly Entry[]): number {
  let bytes = 0;
  for (const [index, entry] of waiting.entries()) {
    bytes += entry.bytes;
    if (index === batchRecords || (index > 0 && bytes > batchBytes)) return index;
  }
  return waiting.length;
}

function tooMuchWaits(records: number, bytes: number): SamsaError {
  return new SamsaError(
    'store-unavailable',
    `the log takes no more for now: ${records} records (${bytes} bytes) wait for Kafka. Try again later.`,
    { retryable: true },
  );
}
