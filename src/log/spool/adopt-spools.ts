import { SamsaError } from '../../errors.ts';
import type { SpoolLedger } from './file.ts';
import { openSpoolFolder, type ClaimedSpool } from './folder.ts';
import { relaySpool, type SpoolRelay, type SpoolRelayOptions } from './relay.ts';

export type SpoolAdoption = {
  /** Call it every few seconds: adopts spools that were left behind, and deletes empty ones. */
  readonly tend: () => void;
  readonly trouble: () => SamsaError | null;
  readonly ledger: () => readonly SpoolLedger[];
  /** Leaves spools that are not empty to others. */
  readonly close: () => void;
};

type Adopted = { readonly claimed: ClaimedSpool; readonly relay: SpoolRelay };

/** Empties the spools of processes that are gone. Spools with records set aside are kept, and shown. */
export function adoptSpools(
  folder: string,
  options: Pick<SpoolRelayOptions, 'log' | 'clock' | 'onSetAside'>,
): SpoolAdoption {
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
