import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { SamsaError } from '../../errors.ts';
import type { NewRecord } from '../../events/record.ts';

/** A record whose partition is decided. */
export type Addressed = { readonly record: NewRecord; readonly partition: number; readonly bytes: number };

/** What became of a record: `null` where it was appended, else what kept it from that. */
export type Failure = { readonly error: unknown } | null;

export type PublisherOptions = {
  /** Appends records of one topic and partition, all or none. */
  readonly send: (partition: number, records: readonly NewRecord[]) => Promise<void>;
  /** Whether a failed `send` was refused for what is in it, so that its records are worth sending one by one. */
  readonly refusesRecords: (error: unknown) => boolean;
  /** What may wait at once; a single larger call is taken when nothing else waits. */
  readonly limitRecords: number;
  readonly limitBytes: number;
};

export type Publisher = {
  /**
   * Resolves when all records are answered, with what became of each.
   * @throws SamsaError `log-unavailable` (retryable) when too much waits: none of them is sent.
   */
  readonly publish: (records: readonly Addressed[]) => Promise<readonly Failure[]>;
  /** Resolves when every call has been answered. */
  readonly drain: () => Promise<void>;
};

type Call = {
  readonly failures: Failure[];
  left: number;
  readonly resolve: (failures: readonly Failure[]) => void;
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

  const settle = ({ bytes: size, call, index }: Entry, failure: Failure): void => {
    records--;
    bytes -= size;
    call.failures[index] = failure;
    if (--call.left === 0) call.resolve(call.failures);
  };

  const attempt = async ({ partition }: Queue, batch: readonly Entry[]): Promise<Failure> => {
    try {
      await options.send(
        partition,
        batch.map(({ record }) => record),
      );
      return null;
    } catch (error) {
      return { error };
    }
  };

  const sendBatch = async (queue: Queue, batch: readonly Entry[]): Promise<void> => {
    const failure = await attempt(queue, batch);
    const isRefused = failure !== null && options.refusesRecords(failure.error);
    if (!isRefused || batch.length === 1) {
      for (const entry of batch) settle(entry, failure);
      if (failure !== null && !isRefused) failRest(queue, batch, failure);
      return;
    }
    let outage: Failure = null;
    for (const entry of batch) {
      const alone: Failure = outage ?? (await attempt(queue, [entry]));
      if (alone !== null && !options.refusesRecords(alone.error)) outage = alone;
      settle(entry, alone);
    }
    if (outage !== null) failRest(queue, batch, outage);
  };

  /** Once one fails for another reason than itself, those of its call behind it must not overtake it. */
  const failRest = (queue: Queue, failed: readonly Entry[], failure: Failure): void => {
    const calls = new Set(failed.map(({ call }) => call));
    const rest = queue.waiting.filter(({ call }) => calls.has(call));
    queue.waiting = queue.waiting.filter(({ call }) => !calls.has(call));
    for (const entry of rest) settle(entry, failure);
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
      return new Promise((resolve) => {
        const call: Call = { failures: [], left: addressed.length, resolve };
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
    'log-unavailable',
    `the log takes no more for now: ${records} records (${bytes} bytes) wait for Kafka. Try again later.`,
    { retryable: true },
  );
}
