import { encodeHeaders } from '../../events/header-bytes.ts';
import { SamsaError } from '../../errors.ts';
import type { NewRecord } from '../../events/record.ts';
import { createAppendQueue } from '../sqlite/append-queue.ts';
import type { SpoolBound } from './bound.ts';
import { totalBytes, type SpoolBack } from './file.ts';

export type SpoolIntakeOptions = {
  readonly back: SpoolBack;
  readonly bound: SpoolBound;
  /** How long records wait for a busy or full disk. */
  readonly patienceMs: number;
  readonly onWritten: () => void;
};

export type SpoolIntake = {
  /** As `append` of the spooled log. */
  readonly append: (records: readonly NewRecord[]) => Promise<void>;
  /** Resolves when every call has been answered. */
  readonly drain: () => Promise<void>;
};

/** What may wait for the disk. */
const waitingRecords = 50_000;
const waitingBytes = 64 << 20;

/** Takes records into the spool, those of one turn of the event loop together. */
export function createSpoolIntake({ back, bound, patienceMs, onWritten }: SpoolIntakeOptions): SpoolIntake {
  const queue = createAppendQueue({
    write: (rows) => {
      back.write(rows);
      onWritten();
    },
    patienceMs,
    limitRecords: waitingRecords,
    limitBytes: waitingBytes,
  });

  return {
    append: async (records) => {
      const rows = records.map(({ topic, key, value, headers }) => ({
        number: back.numberOf(topic),
        key,
        value,
        headers: encodeHeaders(headers),
      }));
      if (rows.length === 0) return;
      const bytes = totalBytes(rows);
      try {
        bound.enter(bytes);
      } catch (error) {
        if (error instanceof SamsaError && error.code === 'spool-full') back.drop(rows);
        throw error;
      }
      await queue.append(rows).finally(() => bound.entered(bytes));
    },
    drain: queue.drain,
  };
}
