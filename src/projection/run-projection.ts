import type { Logger } from 'pino';
import type { PartitionName, PartitionPosition, Progress, LeaseRequest } from '../progress/progress.ts';
import { reason, SamsaError } from '../errors.ts';
import type { EventLog } from '../log/log.ts';
import { pause, within } from '../runtime/waiting.ts';
import { followPartition, blockedReasonOf, type BlockedReason } from './follow-partition.ts';
import { freshnessOf, isLagging, ledgerOf, type Freshness, type PartitionProgress, type LedgerRow } from './ledger.ts';
import { isGone } from './instance-name.ts';
import type { Projection, ProjectionInput } from './projection.ts';

type ProjectionDeps<Change> = {
  readonly log: EventLog;
  readonly progress: Progress<Change>;
  readonly projection: Projection<Change>;
  /** Unique to this start of this process. @see instanceName */
  readonly instance: string;
  readonly clock: () => number;
  readonly logger: Logger;
  readonly leaseMs?: number;
  readonly leaseTickMs?: number;
};

export type RunningProjection = {
  /** How fresh the state is, over all partitions, including those of other instances. */
  readonly freshness: () => Freshness;
  /** What became of every event, by partition, as of the last look at the leases; empty before the first. */
  readonly ledger: () => readonly LedgerRow[];
  /**
   * Reason codes for readiness: `starting`, why partitions are blocked, `unbalanced` when events are missing from the
   * ledger, `lagging` (see `isLagging`). Empty when all is well.
   */
  readonly problems: () => readonly (BlockedReason | 'starting' | 'unbalanced' | 'lagging')[];
  /**
   * Resolves with true when everything that was in the log at the call is in the state, with false after `withinMs`.
   */
  readonly caughtUp: (withinMs: number) => Promise<boolean>;
  /**
   * Stops reading, waits at most two seconds for the commit in flight, and releases the leases. It waits two more
   * seconds for that. Then the leases expire by themselves.
   */
  readonly close: () => Promise<void>;
};

const caughtUpLookMs = 5;
/** A process that dies keeps its partitions this long, unless `isGone` (`instance-name.ts`) knows that it has ended. */
const usualLeaseMs = 5_000;
const usualTickMs = 500;
const closeStepMs = 2_000;

type Follower = { readonly abort: AbortController; readonly done: Promise<void>; blocked: BlockedReason | null };

/**
 * Keeps a projection's state current with the log: leases partitions, follows each of them, and shares the work with
 * other instances. Returns at once; failures show in `problems` and are retried.
 */
export function runProjection<Change>(deps: ProjectionDeps<Change>): RunningProjection {
  const { projection, progress, instance, logger } = deps;
  const leaseMs = deps.leaseMs ?? usualLeaseMs;
  const topics = projection.reads.map(({ topic }) => topic);
  const look = createTopicLook(deps.log, topics, leaseMs / 5);
  const stopping = new AbortController();
  const followers = new Map<string, Follower>();
  const partitions = new Map<string, PartitionProgress>();
  let ledger: readonly LedgerRow[] = [];
  let leaseProblem: BlockedReason | 'starting' | null = 'starting';
  const freshness = (): Freshness => freshnessOf(partitions.values(), deps.clock());

  /** An outage usually meets all partitions: it is logged with the first, and its end with the last. */
  const isKnownOutage = (why: BlockedReason | null): boolean =>
    isOutage(why) && (leaseProblem === why || [...followers.values()].some(({ blocked }) => blocked === why));

  const follow = (partition: PartitionName, input: ProjectionInput<Change>): void => {
    const name = nameOf(partition);
    const abort = new AbortController();
    const follower: Follower = {
      abort,
      blocked: null,
      done: followPartition({
        ...deps,
        input,
        partition,
        signal: AbortSignal.any([abort.signal, stopping.signal]),
        onProgress: (at) => partitions.set(name, at),
        onBlocked: (why, error) => {
          const before = follower.blocked;
          if (why === before) return;
          const isKnown = isKnownOutage(why);
          follower.blocked = why;
          if (why === null) {
            const where = isOutage(before) ? {} : { partition: name };
            if (!isKnownOutage(before)) logger.info({ projection: projection.name, ...where }, 'moving again');
          } else if (!isKnown) {
            logger.warn({ projection: projection.name, partition: name, error: reason(error) }, why);
          }
        },
      }),
    };
    followers.set(name, follower);
  };

  /** Positions are read before the log's ends, so that a projection never seems to be ahead of its log. */
  const tick = async (): Promise<void> => {
    const positions = await progress.positions(projection.name);
    const { partitions: described, trouble } = await look();
    const ends = new Map(described.map((partition) => [nameOf(partition), partition.end]));
    if (trouble === null) {
      ledger = ledgerOf(positions, (topic, partition) => ends.get(nameOf({ topic, partition })) ?? 0);
    }
    const leased = await progress.lease({
      projection: projection.name,
      version: projection.version,
      instance,
      ttlMs: leaseMs,
      isGone,
      partitions: described,
    });
    const names = new Set(leased.map(nameOf));
    for (const [name, follower] of followers) {
      if (names.has(name)) continue;
      follower.abort.abort();
      followers.delete(name);
      await follower.done;
    }
    for (const partition of leased) {
      const input = projection.reads.find(({ topic }) => topic === partition.topic);
      if (input !== undefined && !followers.has(nameOf(partition))) follow(partition, input);
    }
    rememberOthers(partitions, names, positions, ends);
    if (trouble !== null) throw trouble;
  };

  const ticking = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await tick();
        const before = leaseProblem;
        leaseProblem = null;
        if (before !== null && before !== 'starting' && !isKnownOutage(before)) {
          logger.info({ projection: projection.name }, 'moving again');
        }
      } catch (error) {
        const problem = blockedReasonOf(error);
        if (leaseProblem !== problem && !isKnownOutage(problem)) {
          logger.warn({ projection: projection.name, error: reason(error) }, problem);
        }
        leaseProblem = problem;
      }
      const waitMs = deps.leaseTickMs ?? usualTickMs;
      await pause(waitMs * (0.9 + 0.2 * Math.random()), stopping.signal);
    }
  })();

  const caughtUp = async (withinMs: number): Promise<boolean> => {
    const deadline = performance.now() + withinMs;
    const ends = await describeTopics(deps.log, topics);
    while (ends.some((partition) => (partitions.get(nameOf(partition))?.next ?? 0) < partition.end)) {
      if (performance.now() >= deadline || stopping.signal.aborted) return false;
      await pause(caughtUpLookMs, stopping.signal);
    }
    return true;
  };

  return {
    caughtUp,
    ledger: () => ledger,
    freshness,
    problems: () => {
      const problems = new Set([...followers.values()].map(({ blocked }) => blocked));
      const unbalanced = ledger.every(({ balanced }) => balanced) ? null : ('unbalanced' as const);
      const lagging = isLagging(freshness()) ? ('lagging' as const) : null;
      return [...new Set([leaseProblem, ...problems, unbalanced, lagging])].filter((problem) => problem !== null);
    },
    close: async () => {
      stopping.abort();
      await within(closeStepMs, Promise.all([ticking, ...[...followers.values()].map(({ done }) => done)]));
      const released = progress.release(projection.name, instance).catch((error: unknown) => {
        logger.warn({ projection: projection.name, error: reason(error) }, 'leases were not released, they expire');
      });
      await within(closeStepMs, released);
    },
  };
}

function isOutage(why: BlockedReason | null): boolean {
  return why === 'log-unavailable' || why === 'store-unavailable';
}

function nameOf({ topic, partition }: PartitionName): string {
  return `${topic}/${partition}`;
}

/** What other instances have committed, measured against the log's own ends. */
function rememberOthers(
  partitions: Map<string, PartitionProgress>,
  own: ReadonlySet<string>,
  positions: readonly PartitionPosition[],
  ends: ReadonlyMap<string, number>,
): void {
  for (const position of positions) {
    const name = nameOf(position);
    if (own.has(name) && partitions.has(name)) continue;
    partitions.set(name, { next: position.next, end: ends.get(name) ?? position.end, arrivedMs: position.arrivedMs });
  }
}

type Partitions = LeaseRequest['partitions'];

/** `trouble` is the reason why the partitions come from an earlier answer; `null` when they are current. */
type Look = { readonly partitions: Partitions; readonly trouble: unknown };

/**
 * Asks the log for the ends of topics without keeping lease renewal waiting: when the log answers late or not at all,
 * its earlier answer is used after at most twice `withinMs`. The first call waits for its answer.
 * @throws what `EventLog.describe` throws, before the first answer.
 */
function createTopicLook(log: EventLog, topics: readonly string[], withinMs: number): () => Promise<Look> {
  let known: Partitions | null = null;
  let asking: Promise<void> | null = null;

  const ask = (): Promise<void> => {
    asking = describeTopics(log, topics)
      .then((partitions) => {
        known = partitions;
      })
      .finally(() => {
        asking = null;
      });
    return asking;
  };

  return async () => {
    if (known === null) {
      await ask();
      return { partitions: known!, trouble: null };
    }
    const before = known;
    try {
      // The answer to an earlier request may be older than what has been read since.
      if (asking !== null) await within(withinMs, asking);
      if (asking === null) await within(withinMs, ask());
    } catch (trouble) {
      return { partitions: before, trouble };
    }
    return asking === null ? { partitions: known, trouble: null } : { partitions: before, trouble: late(withinMs) };
  };
}

export async function describeTopics(log: EventLog, topics: readonly string[]): Promise<Partitions> {
  const described = await Promise.all(
    topics.map(async (topic) => {
      const { id, partitions } = await log.describe(topic);
      return partitions.map(({ start, end }, partition) => ({ topic, partition, topicId: id, start, end }));
    }),
  );
  return described.flat();
}

function late(withinMs: number): SamsaError {
  return new SamsaError(
    'log-unavailable',
    `expected the log to say within ${withinMs} ms how far its topics reach, got no answer yet. Trying again may help.`,
    { retryable: true },
  );
}
