import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { SamsaError } from '../../errors.ts';
import { keepTrying, backoffMs, pause, type OnTrouble } from '../../runtime/waiting.ts';
import type { KafkaLog } from '../kafka/log.ts';
import { createLane, type Lane } from '../kafka/lane.ts';
import { partitionOf } from '../topic-rules.ts';
import { toRecord, type OutgoingRecords, type SpooledRecord, type SpooledTopic } from './outgoing.ts';

type SpoolTopicRelayOptions = {
  readonly topic: SpooledTopic;
  readonly outgoing: OutgoingRecords;
  readonly log: Pick<KafkaLog, 'partitionsOf' | 'appendTo'>;
  readonly clock: () => number;
  /** How much may be in flight; one record always may. */
  readonly inFlightBytes: number;
  readonly onSetAside: (why: string) => void;
  readonly signal: AbortSignal;
};

export type SpoolTopicRelay = {
  /** Call it when records may have come. */
  readonly wake: () => void;
  /** Why records are not relayed; `null` when nothing is wrong. */
  readonly trouble: () => SamsaError | null;
  /** When the first record came that is not in flight. */
  readonly arrivalMs: () => number | null;
  /** Drops the first records that are not in flight, at most so many and so large, but at least one. */
  readonly drop: (mostRecords: number, mostBytes: number) => void;
};

/** Enough that no partition waits for the disk; more would only burden the garbage collector. */
const inFlightRecords = 4_000;
const readRecords = 1_000;
const readBytes = 1 << 20;

/**
 * Carries the records of one topic from the spool to the cluster. They are in flight from being read until they are
 * removed from the spool.
 */
export function relaySpooledTopic(options: SpoolTopicRelayOptions): SpoolTopicRelay {
  const { topic, outgoing, log, signal } = options;
  const inFlight = { records: 0, bytes: 0 };
  const lanes: Lane<SpooledRecord>[] = [];
  const troubles = new Map<string, SamsaError>();
  let addressings = outgoing.addressings(topic);
  let next = topic.base;
  let feeding = false;
  let asked = false;

  const troubleOf =
    (part: string): OnTrouble =>
    (trouble) =>
      void (trouble === null ? troubles.delete(part) : troubles.set(part, trouble));

  const onRemoved = (records: readonly SpooledRecord[]): void => {
    inFlight.records -= records.length;
    for (const { bytes } of records) inFlight.bytes -= bytes;
    wake();
  };
  const removal = createRemoval(options, onRemoved, troubleOf('removal'));

  const laneTo = (partition: number): Lane<SpooledRecord> =>
    (lanes[partition] ??= openLane(options, partition, removal, troubleOf(`partition ${partition}`)));

  const readSome = (): readonly SpooledRecord[] => {
    const bytes = Math.min(readBytes, options.inFlightBytes - inFlight.bytes);
    if (inFlight.records >= inFlightRecords || (inFlight.records > 0 && bytes <= 0)) return [];
    const records = outgoing.read(topic, next, readRecords, bytes);
    next = (records.at(-1)?.position ?? next - 1) + 1;
    inFlight.records += records.length;
    for (const record of records) inFlight.bytes += record.bytes;
    return records;
  };

  /**
   * More partitions than before: spooled records keep the partition they had. Fewer: the topic was created again, and
   * all records are assigned again.
   */
  const noticePartitions = async (): Promise<void> => {
    const partitions = await log.partitionsOf(topic.name);
    const known = addressings.at(-1)?.partitions;
    if (partitions === known) return;
    outgoing.address(topic, partitions, known === undefined || partitions < known ? 'beginning' : 'end');
    addressings = outgoing.addressings(topic);
  };

  const partitionFor = ({ position, key }: SpooledRecord): number => {
    const { partitions } = addressings.findLast(({ from }) => from <= position)!;
    return key === null ? position % partitions : partitionOf(key, partitions);
  };

  const feed = async (): Promise<void> => {
    while (!signal.aborted) {
      asked = false;
      const records = (await keepTrying(readSome, troubleOf('spool'), signal)) ?? [];
      if (records.length === 0 && asked) continue;
      if (records.length === 0) break;
      await keepTrying(noticePartitions, troubleOf('topic'), signal);
      if (signal.aborted) break;
      for (const record of records) laneTo(partitionFor(record)).push(record);
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
    arrivalMs: () => outgoing.arrivalAt(topic, next),
    drop: (mostRecords, mostBytes) => {
      next = outgoing.drop(topic, next, mostRecords, mostBytes);
    },
  };
}

const outageBackoff = { firstMs: 100, mostMs: 2_000 };

/** Sends to one partition, in order: consumers drop a record that arrives after a later one of its source. */
function openLane(
  { topic, log, signal }: SpoolTopicRelayOptions,
  partition: number,
  removal: Removal,
  onTrouble: OnTrouble,
): Lane<SpooledRecord> {
  let failures = 0;
  const recovered = (): void => {
    if (failures > 0) onTrouble(null);
    failures = 0;
  };
  return createLane<SpooledRecord>({
    send: (batch) =>
      log.appendTo(
        partition,
        batch.map((record) => toRecord(topic.name, record)),
      ),
    onSent: (records) => {
      recovered();
      removal.relayed(records);
    },
    onRefused: (record, { message }) => {
      recovered();
      removal.refused(record, message);
    },
    onOutage: async (_batch, error) => {
      if (!(error instanceof SamsaError)) throw error;
      onTrouble(error);
      await pause(backoffMs(++failures, outageBackoff), signal);
    },
    signal,
  });
}

/** Takes settled records of one topic out of the spool. */
type Removal = {
  readonly relayed: (records: readonly SpooledRecord[]) => void;
  readonly refused: (record: SpooledRecord, why: string) => void;
};

/** Requests wait for these transactions: they are short, and rare while little flows. */
const transactionRecords = 200;
const gatherMs = 20;

function createRemoval(
  { outgoing, topic, clock, onSetAside, signal }: SpoolTopicRelayOptions,
  onRemoved: (records: readonly SpooledRecord[]) => void,
  onTrouble: OnTrouble,
): Removal {
  const relayed: SpooledRecord[] = [];
  const refused: { readonly record: SpooledRecord; readonly why: string }[] = [];
  let removing = false;

  const removeSome = (): void => {
    relayed.sort((one, other) => one.position - other.position);
    const records = relayed.slice(0, transactionRecords);
    if (records.length > 0) outgoing.removeRelayed(topic, records);
    onRemoved(relayed.splice(0, records.length));
    const [first] = refused;
    if (first === undefined) return;
    outgoing.setAside(topic, first.record, first.why, clock());
    refused.shift();
    onSetAside(`${topic.name}: ${first.why}`);
    onRemoved([first.record]);
  };

  const removeAll = async (): Promise<void> => {
    while (relayed.length + refused.length > 0 && !signal.aborted) {
      if (relayed.length < transactionRecords) await pause(gatherMs, signal);
      await keepTrying(removeSome, onTrouble, signal);
      await eventLoopTurn();
    }
    removing = false;
  };

  const begin = (): void => {
    if (removing) return;
    removing = true;
    void removeAll();
  };

  return {
    relayed: (records) => {
      relayed.push(...records);
      begin();
    },
    refused: (record, why) => {
      refused.push({ record, why });
      begin();
    },
  };
}
