import type { SamsaError } from '../../errors.ts';
import type { KafkaLog } from '../kafka/log.ts';
import { keepTrying, type HearTrouble } from '../../runtime/retry.ts';
import { partitionOf } from '../partition.ts';
import type { SpooledRecord, SpooledTopic, SpoolFront } from './front.ts';
import { createSpoolLane, type SpoolLane } from './lane.ts';
import { createSpoolRemoval } from './removal.ts';

export type SpoolTopicRelayOptions = {
  readonly topic: SpooledTopic;
  readonly front: SpoolFront;
  readonly log: Pick<KafkaLog, 'partitionsOf' | 'appendTo'>;
  readonly clock: () => number;
  /** How much may be in flight; one record always may. */
  readonly inFlightBytes: number;
  readonly signal: AbortSignal;
};

export type SpoolTopicRelay = {
  /** To be called when records may have come. */
  readonly wake: () => void;
  /** What keeps records from being relayed; `null` when nothing does. */
  readonly trouble: () => SamsaError | null;
  /** When the first record came that is not in flight. */
  readonly arrivalMs: () => number | null;
  /** Drops the first records that are not in flight, so many and so large at most, but always one. */
  readonly drop: (mostRecords: number, mostBytes: number) => void;
};

/** Enough that no partition waits for the disk; more would only burden the garbage collector. */
const inFlightRecords = 4_000;
const readRecords = 1_000;
const readBytes = 1 << 20;

/**
 * Carries the records of one topic from the spool to the cluster. They are in flight from when they are read until they
 * are taken out of the spool.
 */
export function relaySpooledTopic(options: SpoolTopicRelayOptions): SpoolTopicRelay {
  const { topic, front, log, clock, signal } = options;
  const inFlight = { records: 0, bytes: 0 };
  const lanes: SpoolLane[] = [];
  const troubles = new Map<string, SamsaError>();
  let addressings = front.addressings(topic);
  let next = topic.base;
  let feeding = false;
  let asked = false;

  const hearFrom =
    (part: string): HearTrouble =>
    (trouble) =>
      void (trouble === null ? troubles.delete(part) : troubles.set(part, trouble));

  const removal = createSpoolRemoval({
    front,
    topic,
    clock,
    onRemoved: (records) => {
      inFlight.records -= records.length;
      for (const { bytes } of records) inFlight.bytes -= bytes;
      wake();
    },
    onTrouble: hearFrom('removal'),
    signal,
  });

  const laneOf = (partition: number): SpoolLane =>
    (lanes[partition] ??= createSpoolLane({
      topic: topic.name,
      partition,
      appendTo: log.appendTo,
      onAcknowledged: removal.relayed,
      onRefused: removal.refused,
      onTrouble: hearFrom(`partition ${partition}`),
      signal,
    }));

  const readSome = (): readonly SpooledRecord[] => {
    const bytes = Math.min(readBytes, options.inFlightBytes - inFlight.bytes);
    if (inFlight.records >= inFlightRecords || (inFlight.records > 0 && bytes <= 0)) return [];
    const records = front.read(topic, next, readRecords, bytes);
    next = (records.at(-1)?.position ?? next - 1) + 1;
    inFlight.records += records.length;
    for (const record of records) inFlight.bytes += record.bytes;
    return records;
  };

  /** What is spooled already keeps its partition when some are added; where there are fewer, the topic is a new one. */
  const noticePartitions = async (): Promise<void> => {
    const partitions = await log.partitionsOf(topic.name);
    const known = addressings.at(-1)?.partitions;
    if (partitions === known) return;
    front.address(topic, partitions, known === undefined || partitions < known ? 'beginning' : 'end');
    addressings = front.addressings(topic);
  };

  const partitionFor = ({ position, key }: SpooledRecord): number => {
    const { partitions } = addressings.findLast(({ from }) => from <= position)!;
    return key === null ? position % partitions : partitionOf(key, partitions);
  };

  const feed = async (): Promise<void> => {
    while (!signal.aborted) {
      asked = false;
      const records = (await keepTrying(readSome, hearFrom('spool'), signal)) ?? [];
      if (records.length === 0 && asked) continue;
      if (records.length === 0) break;
      await keepTrying(noticePartitions, hearFrom('topic'), signal);
      if (signal.aborted) break;
      for (const record of records) laneOf(partitionFor(record)).push(record);
    }
    feeding = false;
  };

  const wake = (): void => {
    asked = true;
    if (feeding || signal.aborted) return;
    feeding = true;
    void feed();
  };

  return {
    wake,
    trouble: () => troubles.values().next().value ?? null,
    arrivalMs: () => front.arrivalAt(topic, next),
    drop: (mostRecords, mostBytes) => {
      next = front.drop(topic, next, mostRecords, mostBytes);
    },
  };
}
