import type { PartitionName, StartingPoint, PartitionPosition } from '../progress/progress.ts';
import { SamsaError } from '../errors.ts';
import type { EventLog } from '../log/log.ts';
import { fingerprintOf } from './fold-records.ts';

type Applied = {
  readonly log: EventLog;
  readonly partition: PartitionName;
  readonly signal: AbortSignal;
};

/** How long a new leader of a Kafka partition may need to learn how far its log is acknowledged. */
const acknowledgedWithinMs = 1_000;

/**
 * Whether the log no longer has what was applied (docs/rules.md, C8): it ends before the stored position, or has
 * another record before that position. When that record has expired this cannot be known, and the answer is no.
 * @throws SamsaError as `EventLog.read`; `log-unavailable` (retryable) when the log has the record but does not give it
 *   out yet.
 */
export async function hasDiverged(
  { log, partition, signal }: Applied,
  { next, topicId, fingerprint }: Pick<StartingPoint, 'next' | 'topicId' | 'fingerprint'>,
): Promise<boolean> {
  const at = { ...partition, topicId, maxBytes: 1, signal };
  // A read beyond the end tells where the end is. A read of the last record may find nothing at first: a Kafka node
  // that has just become leader does not know at once how much of its log is acknowledged.
  const { end } = await log.read({ ...at, from: next, waitMs: 0 });
  if (end < next) return true;
  if (fingerprint === null || signal.aborted) return false;
  const previous = next - 1;
  for (const waitMs of [0, acknowledgedWithinMs]) {
    const read = await log.read({ ...at, from: previous, waitMs });
    const record = read.records[0];
    if (record?.offset === previous) return fingerprintOf(record) !== fingerprint;
    if (record !== undefined || read.end > previous || signal.aborted) return false;
  }
  throw notYet(partition, previous);
}

/** The message for people. */
export function divergence({ topic, partition }: PartitionName, next: number): Error {
  return new Error(
    `${topic}/${partition}: expected the log to hold the ${next} records that were read, but it has lost its end, or an ` +
      'older copy of it was put back. Put the newest copy in its place, or stop the service and run samsa rebuild, ' +
      'which makes its state again from what the log has now.',
  );
}

function notYet({ topic, partition }: PartitionName, offset: number): SamsaError {
  return new SamsaError(
    'log-unavailable',
    `${topic}/${partition}: expected record ${offset}, which was read before, but the log does not return it yet. Trying again may help.`,
    { retryable: true },
  );
}

/** Why a state cannot come from the log as it is now; `null` when it can. */
export async function findDivergence(log: EventLog, positions: readonly PartitionPosition[]): Promise<string | null> {
  const signal = new AbortController().signal;
  for (const { topic, partition, topicId, next, fingerprint } of positions) {
    try {
      const applied = { log, partition: { topic, partition }, signal };
      if (!(await hasDiverged(applied, { next, topicId, fingerprint }))) continue;
      return `it has diverged from the log: ${topic}/${partition} no longer has what was read there before ${next}`;
    } catch (error) {
      if (error instanceof SamsaError && error.code === 'topic-replaced')
        return `${topic} was deleted and created again`;
      if (error instanceof SamsaError && error.code === 'topic-unknown') return `the log no longer has ${topic}`;
      throw error;
    }
  }
  return null;
}
