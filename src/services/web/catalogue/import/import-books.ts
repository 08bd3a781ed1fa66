import { setTimeout as delay } from 'node:timers/promises';
import { SamsaError } from '../../../../errors.ts';
import type { ImportRun } from '../import-run.ts';
import type { ImportReport, ReadableRow } from './import-report.ts';
import type { BookList, ListedRow } from './lists/book-list.ts';

export type ImportProgress = {
  readonly rows: number;
  readonly rowsPerSecond: number;
  /** The share of the list that was read, 0 to 1. */
  readonly done: number;
  readonly secondsLeft: number;
};

export type ImportDeps = {
  readonly run: ImportRun;
  readonly report: ImportReport;
  readonly onProgress?: (progress: ImportProgress) => void;
  /** Awaited between batches, so that the outbox does not grow without bound. */
  readonly keepPace?: () => Promise<void>;
};

const batchRows = 200;

/**
 * Merges a list of books into the catalogue, in transactions of 200 rows. Rows that are not books are reported and
 * skipped. Importing the same list again changes nothing. If the list cannot be read to its end, the rows before that
 * point stay.
 * @throws SamsaError `store-unavailable`: rows that were merged before stay. Importing the list again adds the rest.
 */
export async function importBooks(list: BookList, deps: ImportDeps): Promise<void> {
  const { run, report, onProgress = () => {}, keepPace = async () => {} } = deps;
  const started = performance.now();
  let batch: ReadableRow[] = [];
  let pause = Promise.resolve();
  const merge = async (): Promise<void> => {
    await pause;
    await mergeBatch(run, batch, report);
    batch = [];
    // Other users of the store get a turn while the next rows are read.
    pause = delay(1);
    onProgress(progressOf(report.rows(), list, performance.now() - started));
    await keepPace();
  };
  for await (const rows of untilDamaged(list, report)) {
    for (const row of rows) {
      if (row.problem !== undefined) {
        report.skip(row.line, row.problem);
        continue;
      }
      batch.push(row);
      if (batch.length === batchRows) await merge();
    }
  }
  await merge();
}

async function* untilDamaged({ rows }: BookList, report: ImportReport): AsyncGenerator<Iterable<ListedRow>> {
  try {
    yield* rows;
  } catch (error) {
    if (!(error instanceof SamsaError) || error.code !== 'bad-import-file') throw error;
    report.endEarly(error.message);
  }
}

async function mergeBatch(run: ImportRun, batch: readonly ReadableRow[], report: ImportReport): Promise<void> {
  if (batch.length === 0) return;
  const merged = await run.merge(batch.map(({ book }) => book));
  for (const [index, row] of batch.entries()) report.take(row, merged[index]!);
}

function progressOf(rows: number, list: BookList, tookMs: number): ImportProgress {
  const done = Math.min(1, list.bytesRead() / list.sizeBytes);
  return {
    rows,
    done,
    rowsPerSecond: (rows / Math.max(tookMs, 1)) * 1_000,
    secondsLeft: done === 0 ? 0 : (tookMs / 1_000) * (1 / done - 1),
  };
}
