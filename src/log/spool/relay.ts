import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import type { SamsaError } from '../../errors.ts';
import type { KafkaLog } from '../kafka/log.ts';
import { keepTrying } from '../../runtime/retry.ts';
import type { SpoolFront } from './front.ts';
import { relaySpooledTopic, type SpoolTopicRelay } from './topic-relay.ts';

export type SpoolRelayOptions = {
  readonly front: SpoolFront;
  readonly log: Pick<KafkaLog, 'partitionsOf' | 'appendTo'>;
  readonly clock: () => number;
  /** How many bytes may wait before the oldest records that are not in flight are dropped; `null` drops none. */
  readonly dropBeyondBytes: number | null;
};

/** Carries one spool to the cluster, each topic by itself, for as long as it takes. */
export type SpoolRelay = {
  /** To be called when records or topics may have come. */
  readonly wake: () => void;
  /** What keeps records from being relayed; `null` when nothing does. */
  readonly trouble: () => SamsaError | null;
  readonly stop: () => void;
};

const mostInFlightBytes = 16 << 20;
const droppedAtOnce = 200;

export function createSpoolRelay(options: SpoolRelayOptions): SpoolRelay {
  const { front, log, clock, dropBeyondBytes } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const topics = new Map<number, SpoolTopicRelay>();
  // Else all that waits might be in flight, and nothing could be dropped.
  const inFlightBytes = Math.min(mostInFlightBytes, (dropBeyondBytes ?? Number.POSITIVE_INFINITY) / 8);
  let trouble: SamsaError | null = null;
  let tidying = false;

  const meetTopics = (): void => {
    for (const topic of front.topics()) {
      if (topics.has(topic.number)) continue;
      const relay = relaySpooledTopic({ topic, front, log, clock, inFlightBytes, signal });
      topics.set(topic.number, relay);
      relay.wake();
    }
  };

  /** @returns whether there is more to drop. */
  const dropOldest = (): boolean => {
    const excessBytes = front.waitingBytes() - (dropBeyondBytes ?? Number.POSITIVE_INFINITY);
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
    const hearTrouble = (heard: SamsaError | null): void => void (trouble = heard);
    await keepTrying(meetTopics, hearTrouble, signal);
    while ((await keepTrying(dropOldest, hearTrouble, signal)) === true) await eventLoopTurn();
    tidying = false;
  };

  return {
    wake: () => {
      for (const topic of topics.values()) topic.wake();
      if (tidying || signal.aborted) return;
      tidying = true;
      void tidy();
    },
    trouble: () => trouble ?? [...topics.values()].map((topic) => topic.trouble()).find((one) => one !== null) ?? null,
    stop: () => stopping.abort(),
  };
}
