import type { PartitionName } from '../progress/progress.ts';
import type { EventLog, ReadRequest, ReadResult } from '../log/log.ts';
import { pause } from '../runtime/waiting.ts';

/** A log that withholds what is beyond a bound, and otherwise says how far it really reaches. */
export type LogUpTo = EventLog & {
  /** Bounds only rise. Partitions that are not named are withheld whole. */
  readonly raise: (bounds: readonly (PartitionName & { readonly next: number })[]) => void;
};

/** `close` does nothing: the log is not its own. */
export function createLogUpTo(log: EventLog): LogUpTo {
  const bounds = new Map<string, number>();
  let raised = new AbortController();
  const boundOf = ({ topic, partition }: PartitionName): number => bounds.get(`${topic}/${partition}`) ?? 0;

  const read = async (request: ReadRequest): Promise<ReadResult> => {
    if (request.from >= boundOf(request)) {
      const signal = AbortSignal.any([request.signal, raised.signal]);
      await pause(request.waitMs, signal);
    }
    const bound = boundOf(request);
    const isWithheld = request.from >= bound;
    const result = await log.read(isWithheld ? { ...request, maxBytes: 1, waitMs: 0 } : request);
    const records = result.records.filter(({ offset }) => offset < bound);
    return { ...result, records, next: Math.max(request.from, Math.min(result.next, bound)) };
  };

  return {
    read,
    append: (records) => log.append(records),
    describe: (topic) => log.describe(topic),
    create: (topic, settings) => log.create(topic, settings),
    close: async () => {},
    raise: (to) => {
      for (const at of to) bounds.set(`${at.topic}/${at.partition}`, Math.max(boundOf(at), at.next));
      raised.abort();
      raised = new AbortController();
    },
  };
}
