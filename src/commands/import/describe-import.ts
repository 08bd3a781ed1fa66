import type { ImportProgress, ImportSummary, ReportEntry } from '../../services/web/catalogue/import/open-import.ts';
import { count, timeLeft } from './progress-line.ts';

export function progressText({ rows, rowsPerSecond, done, secondsLeft }: ImportProgress): string {
  return `${count(rows)} rows, ${Math.floor(done * 100)} %, ${count(rowsPerSecond)} rows/s, ${timeLeft(secondsLeft)}`;
}

/** What the owner of the list may want to put right: rows, values and columns that were not used. */
export function describeProblems(summary: ImportSummary, unusedColumns: readonly string[]): readonly string[] {
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

function listed(title: string, entries: readonly ReportEntry[], total: number): readonly string[] {
  if (entries.length === 0) return [];
  const lines = [title, ...entries.map(({ line, message }) => `  line ${line}: ${message}`)];
  return total > entries.length ? [...lines, `  and ${count(total - entries.length)} more`] : lines;
}

export function summaryLine(summary: ImportSummary, tookMs: number): string {
  const { rows, added, updated, unchanged, skipped } = summary;
  const counts = `${count(added)} added, ${count(updated)} updated, ${count(unchanged)} unchanged, ${count(skipped)} skipped`;
  const rate = count((rows / Math.max(tookMs, 1)) * 1_000);
  return `${count(rows)} rows: ${counts} in ${(tookMs / 1_000).toFixed(1)} s (${rate} rows/s)`;
}

/** 0: every row was taken. 3: some rows were not. 1: no row was. */
export function exitCodeOf({ rows, skipped, endedEarly }: ImportSummary): number {
  if (rows === 0) return endedEarly === null ? 0 : 1;
  if (rows === skipped) return 1;
  return skipped > 0 || endedEarly !== null ? 3 : 0;
}
