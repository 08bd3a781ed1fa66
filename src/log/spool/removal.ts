import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { pause } from '../../runtime/waiting.ts';
import { keepTrying, type HearTrouble } from '../../runtime/retry.ts';
import type { SpooledRecord, SpooledTopic, SpoolFront } from './front.ts';

export type SpoolRemovalOptions = {
  readonly front: Pick<SpoolFront, 'removeRelayed' | 'setAside'>;
  readonly topic: SpooledTopic;
  readonly clock: () => number;
  readonly onRemoved: (records: readonly SpooledRecord[]) => void;
  readonly onTrouble: HearTrouble;
  readonly signal: AbortSignal;
};

/** Takes settled records of one topic out of the spool, in short transactions that come seldom while little flows. */
export type SpoolRemoval = {
  readonly relayed: (records: readonly SpooledRecord[]) => void;
  readonly refused: (record: SpooledRecord, why: string) => void;
};

/** Requests wait for these transactions. */
const transactionRecords = 200;
const gatherMs = 20;

export function createSpoolRemoval(options: SpoolRemovalOptions): SpoolRemoval {
  const { front, topic, clock, onRemoved, onTrouble, signal } = options;
  const relayed: SpooledRecord[] = [];
  const refused: { readonly record: SpooledRecord; readonly why: string }[] = [];
  let removing = false;

  const removeSome = async (): Promise<void> => {
    relayed.sort((one, other) => one.position - other.position);
    const records = relayed.slice(0, transactionRecords);
    if (records.length > 0) front.removeRelayed(topic, records);
    onRemoved(relayed.splice(0, records.length));
    const [first] = refused;
    if (first === undefined) return;
    front.setAside(topic, first.record, first.why, clock());
    refused.shift();
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
