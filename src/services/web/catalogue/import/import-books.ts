import { setTimeout as delay } from 'node:timers/promises';
import type { BookList, ListedRow } from './lists/book-list.ts';
import type { Catalogue, ImportRun, MergeOutcome } from '../catalogue.ts';

export type ImportSummary = {
  readonly rows: number;
  readonly added: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly skipped: number;
  /** The first 20 skipped rows and why. */
  readonly skippedRows: readonly { readonly line: number; readonly reason: string }[];
  /** Fields that could not be understood and were left out of books that landed. */
  readonly leftOut: readonly { readonly field: string; readonly rows: number; readonly firstLine: number }[];
};

export type ImportProgress = {
  readonly rows: number;
  readonly rowsPerSecond: number;
  /** Of the list, 0 to 1. */
  readonly done: number;
  readonly secondsLeft: number;
};

type ReadableRow = Extract<ListedRow, { leftOut: readonly string[] }>;

const batchRows = 200;
const listedSkips = 20;

/**
 * Merges a list of books into the catalogue, in transactions of 200 rows. Rows that are no books are counted and
 * skipped, the others land; once more with the same list changes nothing. `keepPace` is waited for between them.
 * @throws SamsaError `store-unavailable`: what was merged before stays, and going on means importing again.
 */
export async function importBooks(
  catalogue: Catalogue,
  list: BookList,
  source: string,
  onProgress: (progress: ImportProgress) => void,
  keepPace: () => Promise<void> = async () => {},
): Promise<ImportSummary> {
  const tally = createTally();
  const run = catalogue.startImport(source);
  const started = performance.now();
  let batch: ReadableRow[] = [];
  const merge = async (): Promise<void> => {
    await mergeBatch(run, batch, tally);
    batch = [];
    onProgress(progressOf(tally.rows(), list, performance.now() - started));
    await keepPace();
  };
  for await (const rows of list.rows) {
    for (const row of rows) {
      if (row.problem !== undefined) {
        tally.skip(row.line, row.problem);
        continue;
      }
      batch.push(row);
      if (batch.length === batchRows) await merge();
    }
  }
  await merge();
  return tally.summary();
}

async function mergeBatch(run: ImportRun, batch: readonly ReadableRow[], tally: Tally): Promise<void> {
  if (batch.length === 0) return;
  const outcomes = await run.merge(batch.map(({ book }) => book));
  for (const [index, row] of batch.entries()) tally.count(row, outcomes[index]!);
  // A moment in which others who wait for the store get it.
  await delay(1);
}

type Tally = {
  readonly count: (row: ReadableRow, outcome: MergeOutcome) => void;
  readonly skip: (line: number, reason: string) => void;
  readonly rows: () => number;
  readonly summary: () => ImportSummary;
};

function createTally(): Tally {
  const counts = { added: 0, updated: 0, unchanged: 0, skipped: 0 };
  const skippedRows: { line: number; reason: string }[] = [];
  const leftOut = new Map<string, { field: string; rows: number; firstLine: number }>();
  const skip = (line: number, reason: string): void => {
    counts.skipped++;
    if (skippedRows.length < listedSkips) skippedRows.push({ line, reason });
  };
  const rows = (): number => counts.added + counts.updated + counts.unchanged + counts.skipped;
  return {
    skip,
    rows,
    count: (row, outcome) => {
      if (outcome === 'repeated') {
        skip(row.line, `the same book as an earlier row: ${JSON.stringify(row.book.fields.title)}`);
        return;
      }
      counts[outcome]++;
      for (const field of row.leftOut) {
        const known = leftOut.get(field);
        leftOut.set(field, { field, rows: (known?.rows ?? 0) + 1, firstLine: known?.firstLine ?? row.line });
      }
    },
    summary: () => ({
      rows: rows(),
      ...counts,
      skippedRows: skippedRows.toSorted((one, other) => one.line - other.line),
      leftOut: [...leftOut.values()],
    }),
  };
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
