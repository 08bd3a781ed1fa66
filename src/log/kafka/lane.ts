import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import type { SamsaError } from '../../errors.ts';
import { isRefusedRecord } from './errors.ts';

export type LaneOptions<Item> = {
  /**
   * Sends a batch, all or none. @throws SamsaError `bad-event` when an item is refused because of its content or size.
   */
  readonly send: (batch: readonly Item[]) => Promise<void>;
  readonly onSent: (batch: readonly Item[]) => void;
  readonly onRefused: (item: Item, refusal: SamsaError) => void;
  /** A batch failed for any other reason. When this resolves, it is sent again without the items that were given up. */
  readonly onOutage: (batch: readonly Item[], error: unknown) => void | Promise<void>;
  /** Nothing more is sent once it has fired. */
  readonly signal?: AbortSignal;
};

/** The items on their way to one partition, in order: an item that could not be sent is never overtaken. */
export type Lane<Item> = {
  readonly push: (item: Item) => void;
  /** Takes out waiting items, including those of the failed batch. */
  readonly giveUp: (which: (item: Item) => boolean) => readonly Item[];
  /** Resolves when nothing waits. */
  readonly drain: () => Promise<void>;
};

const batchItems = 500;
const batchBytes = 512 << 10;

/**
 * Sends one batch after the other. Items that are pushed within one turn of the event loop go together. A batch that is
 * refused is sent again item by item, so that only the faulty one fails.
 */
export function createLane<Item extends { readonly bytes: number }>(options: LaneOptions<Item>): Lane<Item> {
  let waiting: Item[] = [];
  /** How many of the first are sent one by one. */
  let alone = 0;
  let sending: Promise<void> | null = null;

  const settle = (batch: readonly Item[]): void => {
    waiting.splice(0, batch.length);
    alone = Math.max(0, alone - batch.length);
  };

  const sendBatch = async (batch: readonly Item[]): Promise<void> => {
    try {
      await options.send(batch);
    } catch (error) {
      if (!isRefusedRecord(error)) return options.onOutage(batch, error);
      if (batch.length > 1) {
        alone = batch.length;
        return;
      }
      settle(batch);
      options.onRefused(batch[0]!, error);
      return;
    }
    settle(batch);
    options.onSent(batch);
  };

  const sendAll = async (): Promise<void> => {
    while (waiting.length > 0 && options.signal?.aborted !== true) {
      await eventLoopTurn();
      await sendBatch(waiting.slice(0, alone > 0 ? 1 : fitting(waiting)));
    }
    sending = null;
  };

  return {
    push: (item) => {
      waiting.push(item);
      sending ??= sendAll();
    },
    giveUp: (which) => {
      const { given = [], kept = [] } = Object.groupBy(waiting, (item) => (which(item) ? 'given' : 'kept'));
      waiting = kept;
      alone = 0;
      return given;
    },
    drain: async () => {
      while (sending !== null) await sending;
    },
  };
}

function fitting(waiting: readonly { readonly bytes: number }[]): number {
  let bytes = 0;
  for (const [index, item] of waiting.entries()) {
    bytes += item.bytes;
    if (index === batchItems || (index > 0 && bytes > batchBytes)) return index;
  }
  return waiting.length;
}
