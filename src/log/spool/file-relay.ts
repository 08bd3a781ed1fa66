import { SamsaError } from '../../errors.ts';
import type { KafkaLog } from '../kafka/log.ts';
import { openSpoolFile } from './file.ts';
import { createSpoolFront } from './front.ts';
import { readSpoolLedger, type SpoolLedger } from './ledger.ts';
import { createSpoolRelay } from './relay.ts';

export type SpoolFileRelayOptions = {
  readonly log: KafkaLog;
  readonly clock: () => number;
  /** As `SpoolRelayOptions`. */
  readonly dropBeyondBytes: number | null;
  readonly checkpointedElsewhere: boolean;
};

/** A spool file with the relay that empties it. */
export type SpoolFileRelay = {
  /** To be called now and then, and when records may have come. */
  readonly wake: () => void;
  /** What keeps records from being relayed; `null` when nothing is known to. */
  readonly trouble: () => SamsaError | null;
  readonly ledger: () => readonly SpoolLedger[];
  readonly isEmpty: () => boolean;
  readonly close: () => void;
};

/** From when on waiting is taken for a problem. */
export const longWaitMs = 2_000;
const busyTimeoutMs = 2_000;

/** @throws SamsaError as `openSqlite`. */
export function relaySpoolFile(id: string, path: string, options: SpoolFileRelayOptions): SpoolFileRelay {
  const { log, clock, checkpointedElsewhere } = options;
  const database = openSpoolFile(path, { busyTimeoutMs, checkpointedElsewhere });
  const front = createSpoolFront(database);
  const relay = createSpoolRelay({ ...options, front });
  const ledger = (): readonly SpoolLedger[] => readSpoolLedger(database, id);
  let asking = false;
  let answer: SamsaError | null = null;

  /** The client sends again and again without a word: another question brings to light what keeps it from success. */
  const askWhy = async (topic: string): Promise<void> => {
    asking = true;
    try {
      await log.describe(topic);
      answer = null;
    } catch (error) {
      answer = error instanceof SamsaError ? error : null;
    }
    asking = false;
  };

  return {
    wake: relay.wake,
    trouble: () => {
      const late = ledger().find(({ oldestMs }) => oldestMs !== null && clock() - oldestMs > longWaitMs);
      if (late === undefined) answer = null;
      else if (!asking) void askWhy(late.topic);
      return relay.trouble() ?? answer;
    },
    ledger,
    isEmpty: front.isEmpty,
    close: () => {
      relay.stop();
      database.close();
    },
  };
}
