import { setTimeout as delay } from 'node:timers/promises';
import { createCheckpointedFile } from '../../sqlite/checkpoints.ts';
import { openKafkaLog } from '../kafka/log.ts';
import { createThreadSignal, linkToParent, toPlainError } from '../../runtime/threads.ts';
import { relaySpool, type SpoolRelay, type SpoolRelayOptions } from './relay.ts';
import { SamsaError } from '../../errors.ts';
import { openSpoolFolder, spoolSignalName, type SpoolLedger, type ClaimedSpool } from './spool-file.ts';
import type { RelayState, RelayWork } from './spooled-log.ts';

/** The entry of the thread that `startRelayWorker` starts: relays one spool, and those that others left behind. */
const link = linkToParent<RelayWork, RelayState>();
const { id, path, folder, kafka, dropBeyondBytes } = link.data;
const lookEveryMs = 500;
const adoptEveryMs = 3_000;
const checkpointEveryMs = 100;
const checkpointBytes = 32 << 20;

const clock = Date.now;
const log = openKafkaLog({ ...kafka, clock });
let setAside: string | null = null;
const onSetAside = (why: string): void => void (setAside = why);
const own = relaySpool(id, path, { log, clock, dropBeyondBytes, checkpointedElsewhere: true, onSetAside });
const adoption = adoptSpools(folder, { log, clock, onSetAside });
const file = createCheckpointedFile(path, lookEveryMs, checkpointBytes);
const signal = createThreadSignal(spoolSignalName(id), () => {
  signal.listen();
  own.wake();
});

function look(): void {
  own.wake();
  const trouble = own.trouble() ?? adoption.trouble();
  link.tell({ trouble: trouble && toPlainError(trouble), setAside, adopted: adoption.ledger() });
  setAside = null;
}

/** A checkpoint that fails is tried again; the write-ahead log grows meanwhile. */
function checkpoint(): void {
  try {
    file.checkpoint();
  } catch {
    // A fault of the disk is reported where records are removed.
  }
}

const timers = [
  setInterval(look, lookEveryMs),
  setInterval(adoption.tend, adoptEveryMs),
  setInterval(checkpoint, checkpointEveryMs),
];

/** Relays until the spool is empty. If that takes too long, the thread is ended by force. */
async function close(): Promise<void> {
  while (!own.isEmpty()) await delay(5);
  for (const timer of timers) clearInterval(timer);
  adoption.close();
  own.close();
  file.close();
  await log.close();
}

link.listen({ onClose: () => void close() });
signal.listen();
own.wake();
adoption.tend();

type SpoolAdoption = {
  /** Call it every few seconds: adopts spools that were left behind, and deletes empty ones. */
  readonly tend: () => void;
  readonly trouble: () => SamsaError | null;
  readonly ledger: () => readonly SpoolLedger[];
  /** Leaves spools that are not empty to others. */
  readonly close: () => void;
};

type Adopted = { readonly claimed: ClaimedSpool; readonly relay: SpoolRelay };

/**
 * Empties the spools of processes that have ended. A spool with records set aside is kept, and its ledger is reported.
 */
function adoptSpools(folder: string, options: Pick<SpoolRelayOptions, 'log' | 'clock' | 'onSetAside'>): SpoolAdoption {
  const spools = openSpoolFolder(folder, options.clock);
  const adopted = new Set<Adopted>();
  let trouble: SamsaError | null = null;

  const adopt = (claimed: ClaimedSpool): void => {
    try {
      const relay = relaySpool(claimed.id, claimed.path, {
        ...options,
        dropBeyondBytes: null,
        checkpointedElsewhere: false,
      });
      adopted.add({ claimed, relay });
    } catch (error) {
      claimed.release();
      throw error;
    }
  };

  const removeEmpty = (): void => {
    for (const one of adopted) {
      if (!one.relay.isEmpty() || one.relay.ledger().some(({ setAside }) => setAside > 0)) continue;
      one.relay.close();
      adopted.delete(one);
      one.claimed.remove();
    }
  };

  return {
    tend: () => {
      try {
        for (const claimed of spools.claimFree()) adopt(claimed);
        for (const { relay } of adopted) relay.wake();
        removeEmpty();
        trouble = null;
      } catch (error) {
        if (!(error instanceof SamsaError)) throw error;
        trouble = error;
      }
    },
    trouble: () => trouble ?? [...adopted].map(({ relay }) => relay.trouble()).find((one) => one !== null) ?? null,
    ledger: () => [...adopted].flatMap(({ relay }) => relay.ledger()),
    close: () => {
      for (const { claimed, relay } of adopted) {
        relay.close();
        claimed.release();
      }
      adopted.clear();
    },
  };
}
