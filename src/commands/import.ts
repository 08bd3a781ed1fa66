import { closeSync, openSync, writeSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { reason, SamsaError } from '../errors.ts';
import {
  checkSource,
  openImport,
  reportHeader,
  reportLine,
  type ImportProgress,
  type ImportSummary,
  type OpenImport,
  type ReportEntry,
} from '../services/web/catalogue/import/open-import.ts';
import { openCatalogueToRead, openShopToChange } from './import/open-shop.ts';
import {
  count,
  createProgressLine,
  timeLeft,
  type ProgressLine,
  type ProgressOutput,
  type CommandContext,
} from './command-context.ts';

export type ImportOptions = {
  readonly file: string;
  /** Where the books come from. Default: the program that wrote the list, or the file's name and columns. */
  readonly source?: string;
  /** As `title=Name,author=Writer`. */
  readonly columns?: string;
  /** Reads everything, says what would happen, and changes nothing. */
  readonly check?: boolean;
  /** A CSV file for rows that were skipped, conflicts, and values that could not be read. */
  readonly report?: string;
  readonly trustIsbn?: boolean;
  readonly keepDemo?: boolean;
};

/**
 * Adds or updates the books of a file. The shop may run or not. Importing the same file again changes nothing.
 * @returns the exit code: 0 when all rows were taken, 3 when only some were, 1 when none was or the import failed.
 */
export async function importCommand(
  context: CommandContext,
  options: ImportOptions,
  output: ProgressOutput = process.stderr,
): Promise<number> {
  const { print, warn } = context;
  // Batches are short-lived: a small young generation takes 25 MB less and no more time (decision 040).
  setFlagsFromString('--semi-space-growth-factor=1');
  try {
    if (options.source !== undefined) checkSource(options.source);
    const list = await openImport(options.file, options.columns);
    for (const line of list.taken) warn(line);
    await using report = openReport(options.report);
    const started = performance.now();
    const { summary, notes } = await runImport(context, list, options, createProgressLine(output), report.write);
    for (const line of [...describeProblems(summary, list.unusedColumns()), ...describeFile(list)]) warn(line);
    print(`${options.check === true ? 'would be: ' : ''}${summaryLine(summary, performance.now() - started)}`);
    for (const note of notes) warn(note);
    return exitCodeOf(summary, list);
  } catch (error) {
    if (!(error instanceof SamsaError)) throw error;
    warn(`samsa: ${error.message}`);
    if (error.code === 'store-unavailable') warn('samsa: what was imported so far is kept; import again to go on');
    return 1;
  }
}

type FinishedImport = { readonly summary: ImportSummary; readonly notes: readonly string[] };

async function runImport(
  context: CommandContext,
  list: OpenImport,
  { source = list.source, check = false, trustIsbn = false, keepDemo = false }: ImportOptions,
  progress: ProgressLine,
  onEntry: (entry: ReportEntry) => void,
): Promise<FinishedImport> {
  await using stack = new AsyncDisposableStack();
  stack.defer(progress.end);
  const options = { trustIsbn, isExact: list.isExact };
  const onProgress = (now: ImportProgress): void => progress.show(progressText(now));
  if (check) {
    const catalogue = await openCatalogueToRead(context, stack);
    return { summary: await list.check(catalogue, source, options, { onProgress, onEntry }), notes: [] };
  }
  const { catalogue, keepPace, deliver } = await openShopToChange(context, stack);
  const summary = await list.into(catalogue, source, options, { onProgress, onEntry, keepPace });
  const hasLanded = summary.rows > summary.skipped && summary.endedEarly === null;
  const removed = hasLanded && !keepDemo ? await catalogue.removeDemoBooks() : 0;
  const notes = removed === 0 ? [] : [`${count(removed)} demo books have left the shop (--keep-demo would keep them)`];
  const undelivered = await deliver(progress);
  return { summary, notes: undelivered === null ? notes : [...notes, `samsa: ${undelivered}`] };
}

/** @throws SamsaError `bad-import-file` when the report cannot be written. */
function openReport(path: string | undefined): AsyncDisposable & { readonly write: (entry: ReportEntry) => void } {
  if (path === undefined) return { write: () => {}, [Symbol.asyncDispose]: async () => {} };
  let file: number;
  try {
    file = openSync(path, 'w');
  } catch (error) {
    throw unwritable(path, error);
  }
  let waiting = reportHeader;
  const flush = (): void => {
    try {
      writeSync(file, waiting);
    } catch (error) {
      throw unwritable(path, error);
    } finally {
      waiting = '';
    }
  };
  return {
    write: (entry) => {
      waiting += reportLine(entry);
      if (waiting.length > 1 << 16) flush();
    },
    [Symbol.asyncDispose]: async () => {
      try {
        flush();
      } finally {
        closeSync(file);
      }
    },
  };
}

function unwritable(path: string, error: unknown): SamsaError {
  const message = `--report: ${path} cannot be written: ${reason(error)}.`;
  return new SamsaError('bad-import-file', message, { cause: error });
}

function progressText({ rows, rowsPerSecond, done, secondsLeft }: ImportProgress): string {
  return `${count(rows)} rows, ${Math.floor(done * 100)} %, ${count(rowsPerSecond)} rows/s, ${timeLeft(secondsLeft)}`;
}

/** What the owner of the list may want to correct: rows, values and columns that were not used. */
function describeProblems(summary: ImportSummary, unusedColumns: readonly string[]): readonly string[] {
  const { skippedRows, skipped, listedConflicts, conflicts, unread, withoutAuthor, endedEarly } = summary;
  const lines = [...listed('skipped:', skippedRows, skipped), ...listed('conflicts:', listedConflicts, conflicts)];
  for (const { field, rows, firstLine, examples } of unread) {
    const shown = examples.map((value) => JSON.stringify(value)).join(', ');
    lines.push(`${field}: left out of ${count(rows)} books, cannot be read: ${shown} (first in line ${firstLine})`);
  }
  if (withoutAuthor.rows > 0) {
    lines.push(`author: ${count(withoutAuthor.rows)} books without one (first in line ${withoutAuthor.firstLine})`);
  }
  if (unusedColumns.length > 0) lines.push(`columns not used: ${unusedColumns.slice(0, 20).join(', ')}`);
  if (endedEarly !== null) lines.push(`the list was not read to its end: ${endedEarly}`);
  return lines;
}

/** What the owner of the list should know about its file. */
function describeFile({ otherLists, isTakenForWindows1252 }: OpenImport): readonly string[] {
  const lines: string[] = [];
  if (isTakenForWindows1252())
    lines.push('the text is not UTF-8 and was read as Windows-1252: if letters are wrong, save it as UTF-8');
  if (otherLists.length > 0)
    lines.push(
      `not imported: ${otherLists.join(', ')}. Only one list of an archive is: unpack it and import the others`,
    );
  return lines;
}

function listed(title: string, entries: readonly ReportEntry[], total: number): readonly string[] {
  if (entries.length === 0) return [];
  const lines = [title, ...entries.map(({ line, message }) => `  line ${line}: ${message}`)];
  return total > entries.length ? [...lines, `  and ${count(total - entries.length)} more`] : lines;
}

function summaryLine(summary: ImportSummary, tookMs: number): string {
  const { rows, added, updated, unchanged, skipped } = summary;
  const counts = `${count(added)} added, ${count(updated)} updated, ${count(unchanged)} unchanged, ${count(skipped)} skipped`;
  const rate = count((rows / Math.max(tookMs, 1)) * 1_000);
  return `${count(rows)} rows: ${counts} in ${(tookMs / 1_000).toFixed(1)} s (${rate} rows/s)`;
}

/** 0: every row was taken. 3: some rows were not. 1: no row was. */
function exitCodeOf({ rows, skipped, endedEarly }: ImportSummary, { otherLists }: OpenImport): number {
  if (rows === 0) return endedEarly === null && otherLists.length === 0 ? 0 : 1;
  if (rows === skipped) return 1;
  return skipped > 0 || endedEarly !== null || otherLists.length > 0 ? 3 : 0;
}
