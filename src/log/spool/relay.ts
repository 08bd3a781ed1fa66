import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { SamsaError } from '../../errors.ts';
import { keepTrying } from '../../runtime/waiting.ts';
import type { KafkaLog } from '../kafka/log.ts';
import { openSpoolFile, readSpoolLedger, type SpoolLedger } from './spool-file.ts';
import { createOutgoingRecords } from './outgoing.ts';
import { relaySpooledTopic, type SpoolTopicRelay } from './relay-topic.ts';

export type SpoolRelayOptions = {
  readonly log: Pick<KafkaLog, 'partitionsOf' | 'appendTo' | 'describe'>;
  readonly clock: () => number;
  /** How many bytes may wait before the oldest records that are not in flight are dropped; `null` drops none. */
  readonly dropBeyondBytes: number | null;
  readonly checkpointedElsewhere: boolean;
  /** Called with the reason why a record was set aside. */
  readonly onSetAside: (why: string) => void;
};

/** Sends the records of one spool file to the cluster, each topic separately. Retries without limit. */
export type SpoolRelay = {
  /** Call it now and then, and when records or topics may have come. */
  readonly wake: () => void;
  /** Why records are not relayed; `null` when no reason is known. */
  readonly trouble: () => SamsaError | null;
  readonly ledger: () => readonly SpoolLedger[];
  readonly isEmpty: () => boolean;
  readonly close: () => void;
};

/** It is a problem when records wait for longer than this. */
export const longWaitMs = 2_000;
const busyTimeoutMs = 2_000;
const mostInFlightBytes = 16 << 20;
const droppedAtOnce = 200;

/** @throws SamsaError as `openSqlite`. */
export function relaySpool(id: string, path: string, options: SpoolRelayOptions): SpoolRelay {
  const { log, clock, dropBeyondBytes, checkpointedElsewhere, onSetAside } = options;
  const database = openSpoolFile(path, { busyTimeoutMs, checkpointedElsewhere });
  const outgoing = createOutgoingRecords(database);
  const diagnose = createDiagnosis(log);
  const stopping = new AbortController();
  const { signal } = stopping;
  const topics = new Map<number, SpoolTopicRelay>();
  // Otherwise everything that waits might be in flight, and nothing could be dropped.
  const inFlightBytes = Math.min(mostInFlightBytes, (dropBeyondBytes ?? Number.POSITIVE_INFINITY) / 8);
  let trouble: SamsaError | null = null;
  let tidying = false;

  const addNewTopics = (): void => {
    for (const topic of outgoing.topics()) {
      if (topics.has(topic.number)) continue;
      const relay = relaySpooledTopic({ topic, outgoing, log, clock, inFlightBytes, onSetAside, signal });
      topics.set(topic.number, relay);
      relay.wake();
    }
  };

  /** @returns whether there is more to drop. */
  const dropOldest = (): boolean => {
    const excessBytes = outgoing.waitingBytes() - (dropBeyondBytes ?? Number.POSITIVE_INFINITY);
    if (excessBytes <= 0) return false;
    let oldest: { readonly topic: SpoolTopicRelay; readonly arrivalMs: number } | null = null;
    for (const topic of topics.values()) {
      const arrivalMs = topic.arrivalMs();
      if (arrivalMs !== null && (oldest === null || arrivalMs < oldest.arrivalMs)) oldest = { topic, arrivalMs };
    }
    oldest?.topic.drop(droppedAtOnce, excessBytes);
    return oldest !== null;
  };

  const tidy = async (): Promise<void> => {
    const onTrouble = (reported: SamsaError | null): void => void (trouble = reported);
    await keepTrying(addNewTopics, onTrouble, signal);
    while ((await keepTrying(dropOldest, onTrouble, signal)) === true) await eventLoopTurn();
    tidying = false;
  };

  const ledger = (): readonly SpoolLedger[] => readSpoolLedger(database, id);
  const reported = (): SamsaError | null =>
    trouble ?? [...topics.values()].map((topic) => topic.trouble()).find((one) => one !== null) ?? null;

  return {
    wake: () => {
      for (const topic of topics.values()) topic.wake();
      if (tidying || signal.aborted) return;
      tidying = true;
      void tidy();
    },
    trouble: () => {
      const late = ledger().find(({ oldestMs }) => oldestMs !== null && clock() - oldestMs > longWaitMs);
      const answer = diagnose(late?.topic ?? null);
      return reported() ?? answer;
    },
    ledger,
    isEmpty: outgoing.isEmpty,
    close: () => {
      stopping.abort();
      database.close();
    },
  };
}

/** Finds out why records wait: the client does not say why it retries a send, so another request is made. */
function createDiagnosis(log: Pick<KafkaLog, 'describe'>): (lateTopic: string | null) => SamsaError | null {
  let asking = false;
  let answer: SamsaError | null = null;
  const ask = async (topic: string): Promise<void> => {
    asking = true;
    try {
      await log.describe(topic);
      answer = null;
    } catch (error) {
      answer = error instanceof SamsaError ? error : null;
    }
    asking = false;
  };
  return (lateTopic) => {
    if (lateTopic === null) answer = null;
    else if (!asking) void ask(lateTopic);
    return answer;
  };
}
