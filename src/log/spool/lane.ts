import { SamsaError } from '../../errors.ts';
import type { KafkaLog } from '../kafka/log.ts';
import type { Failure } from '../kafka/publisher.ts';
import { keepTrying, type HearTrouble } from '../../runtime/retry.ts';
import { toRecord, type SpooledRecord } from './front.ts';

export type SpoolLaneOptions = {
  readonly topic: string;
  readonly partition: number;
  readonly appendTo: KafkaLog['appendTo'];
  readonly onAcknowledged: (records: readonly SpooledRecord[]) => void;
  /** The cluster refuses it for what it is, and always will. */
  readonly onRefused: (record: SpooledRecord, why: string) => void;
  readonly onTrouble: HearTrouble;
  readonly signal: AbortSignal;
};

/** The records of one spool and topic on their way to one partition. */
export type SpoolLane = { readonly push: (record: SpooledRecord) => void };

const batchRecords = 500;
const batchBytes = 512 << 10;

/**
 * Sends one batch after the other, each as often as it takes: a record that overtook one ahead of it would turn that
 * one into a repeat.
 */
export function createSpoolLane(options: SpoolLaneOptions): SpoolLane {
  const { topic, partition, appendTo, onAcknowledged, onRefused, onTrouble, signal } = options;
  const waiting: SpooledRecord[] = [];
  let sending = false;

  /** Takes out of the batch what is settled. @throws SamsaError what kept the others from it. */
  const send = async (batch: SpooledRecord[]): Promise<void> => {
    const failures = await appendTo(
      partition,
      batch.map((record) => toRecord(topic, record)),
    );
    const sent = batch.splice(0);
    const acknowledged = sent.filter((_, index) => failures[index] === null);
    if (acknowledged.length > 0) onAcknowledged(acknowledged);
    let outage: Failure = null;
    for (const [index, record] of sent.entries()) {
      const failure = failures[index] ?? null;
      if (failure === null) continue;
      if (isRefusal(failure.error)) {
        onRefused(record, failure.error.message);
      } else {
        batch.push(record);
        outage ??= failure;
      }
    }
    if (outage !== null) throw outage.error;
  };

  const sendAll = async (): Promise<void> => {
    while (waiting.length > 0 && !signal.aborted) {
      const batch = waiting.splice(0, fitting(waiting));
      await keepTrying(() => send(batch), onTrouble, signal);
    }
    sending = false;
  };

  return {
    push: (record) => {
      waiting.push(record);
      if (sending) return;
      sending = true;
      // What is pushed in this turn goes out together.
      setImmediate(() => void sendAll());
    },
  };
}

function isRefusal(error: unknown): error is SamsaError {
  return error instanceof SamsaError && error.code === 'bad-event';
}

function fitting(waiting: readonly SpooledRecord[]): number {
  let bytes = 0;
  for (const [index, record] of waiting.entries()) {
    bytes += record.bytes;
    if (index === batchRecords || (index > 0 && bytes > batchBytes)) return index;
  }
  return waiting.length;
}
