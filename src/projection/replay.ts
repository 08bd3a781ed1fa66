import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import type { PartitionName, PartitionPosition, Progress } from '../progress/progress.ts';
import { SamsaError } from '../errors.ts';
import type { EventLog, ReadRequest, ReadResult } from '../log/log.ts';
import { pause } from '../runtime/waiting.ts';
import { instanceName } from './instance-name.ts';
import { describeTopics, runProjection, type RunningProjection } from './run-projection.ts';
import type { Projection } from './projection.ts';

export type ReplayProgress = {
  readonly events: number;
  readonly of: number;
  readonly eventsPerSecond: number;
  readonly secondsLeft: number;
};

export type UpTo = readonly (PartitionName & { readonly next: number })[];

export type Replay = {
  /**
   * Resolves when everything before these offsets has been read. Nothing beyond them is read until the next call.
   * @throws SamsaError `store-unavailable` (retryable) when nothing has been read for ten seconds.
   */
  readonly readUpTo: (offsets: UpTo, onProgress: (progress: ReplayProgress) => void) => Promise<void>;
  readonly positions: () => Promise<readonly PartitionPosition[]>;
  readonly close: () => Promise<void>;
};

const lookMs = 20;
const patienceMs = 10_000;

/** Reads a log from its start into an empty state, as the service does, up to given offsets. */
export function startReplay<Change>(deps: {
  readonly log: EventLog;
  readonly progress: Progress<Change>;
  readonly projection: Projection<Change>;
  readonly clock: () => number;
}): Replay {
  const { progress, projection } = deps;
  const log = createLogUpTo(deps.log);
  let lastWarning = '';
  const logger = pino({ level: 'warn' }, { write: (line) => (lastWarning = messageIn(line)) });
  const running = runProjection({ ...deps, log, instance: instanceName('rebuild'), logger });
  const positions = (): Promise<readonly PartitionPosition[]> => progress.positions(projection.name);

  const readUpTo: Replay['readUpTo'] = async (offsets, onProgress) => {
    log.raise(offsets);
    const startedMs = performance.now();
    const before = readOf(await positions(), offsets).events;
    let last = { events: -1, ms: startedMs };
    for (;;) {
      const { events, of, isDone } = readOf(await positions(), offsets);
      if (isDone) return;
      const nowMs = performance.now();
      if (events > last.events) last = { events, ms: nowMs };
      else if (nowMs - last.ms > patienceMs) throwProblems(running, lastWarning);
      const eventsPerSecond = ((events - before) / Math.max(1, nowMs - startedMs)) * 1_000;
      onProgress({ events, of, eventsPerSecond, secondsLeft: (of - events) / Math.max(1, eventsPerSecond) });
      await delay(lookMs);
    }
  };
  return { readUpTo, positions, close: running.close };
}

/** Where the log ends now: to read all of it. */
export async function endsOf<Change>(log: EventLog, { reads }: Projection<Change>): Promise<UpTo> {
  const topics = reads.map(({ topic }) => topic);
  return (await describeTopics(log, topics)).map(({ topic, partition, end }) => ({ topic, partition, next: end }));
}

function readOf(
  positions: readonly PartitionPosition[],
  offsets: UpTo,
): { readonly events: number; readonly of: number; readonly isDone: boolean } {
  let [events, of, isDone] = [0, 0, true];
  for (const { topic, partition, next } of offsets) {
    const position = positions.find((at) => at.topic === topic && at.partition === partition);
    const first = position?.first ?? 0;
    events += (position?.next ?? 0) - first;
    of += Math.max(0, next - first);
    isDone &&= (position?.next ?? -1) >= next;
  }
  return { events, of, isDone };
}

function throwProblems(running: RunningProjection, lastWarning: string): void {
  const problems = running.problems().filter((problem) => problem !== 'unbalanced' && problem !== 'lagging');
  if (problems.length === 0) return;
  throw new SamsaError(
    'store-unavailable',
    `expected to read on in the log, got ${problems.join(', ')}: ${lastWarning}`,
    {
      retryable: true,
    },
  );
}

function messageIn(line: string): string {
  const { error } = JSON.parse(line) as { error?: unknown };
  return typeof error === 'string' ? error : line;
}

/** A log that hides records beyond a bound, but reports its real end. */
type LogUpTo = EventLog & {
  /** Bounds only rise. Partitions without a bound are hidden completely. */
  readonly raise: (bounds: readonly (PartitionName & { readonly next: number })[]) => void;
};

/** `close` does not close the log, which belongs to the caller. */
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

/** Whether a state has read exactly up to these offsets. */
export function standAt(positions: readonly PartitionPosition[], offsets: UpTo): boolean {
  return offsets.every(({ topic, partition, next }) =>
    positions.some((at) => at.topic === topic && at.partition === partition && at.next === next),
  );
}

/**
 * The event time from which a topic still has all its events: ms since 1970, 0 when none has expired. Only for topics
 * that are not compacted.
 */
export async function completeFrom(
  log: EventLog,
  topic: string,
  positions: readonly PartitionPosition[],
): Promise<number> {
  const { id, partitions } = await log.describe(topic);
  let fromMs = 0;
  for (const [partition, { start }] of partitions.entries()) {
    if (start === 0) continue;
    const { records } = await log.read({
      topic,
      topicId: id,
      partition,
      from: start,
      maxBytes: 1,
      waitMs: 0,
      signal: new AbortController().signal,
    });
    const last = positions.find((at) => at.topic === topic && at.partition === partition)?.arrivedMs ?? 0;
    fromMs = Math.max(fromMs, records[0]?.timestamp ?? last + 1);
  }
  return fromMs;
}
