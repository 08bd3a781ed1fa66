import { parse } from 'csv-parse/sync';
import type { TextLine } from './text-lines.ts';

/** One record of a CSV file by the line it begins on; or why that line is none. */
export type CsvRecord =
  | { readonly line: number; readonly cells: readonly string[]; readonly problem?: undefined }
  | { readonly line: number; readonly problem: string };

type ReadableLine = Extract<TextLine, { text: string }>;

/** How far a quoted cell may reach before its quote counts as never closed. */
const spanLines = 1_000;
const spanLength = 256 * 1024;
const blockLines = 200;

/**
 * Lines as CSV records of `width` cells (RFC 4180, and quotes inside unquoted cells). A broken record costs its own
 * line only: where an opened quote never closes, or closes so that the cells do not add up, reading goes on with the
 * next line. Blank records are left out.
 */
export async function* readRecords(
  lines: AsyncIterable<readonly TextLine[]>,
  delimiter: string,
  width: number,
): AsyncGenerator<readonly CsvRecord[]> {
  let pending: readonly TextLine[] = [];
  for await (const more of lines) {
    pending = [...pending, ...more];
    const { records, used } = takeRecords(pending, delimiter, width, false);
    pending = pending.slice(used);
    if (records.length > 0) yield records;
  }
  yield takeRecords(pending, delimiter, width, true).records;
}

/** The cells of one line by itself; `null` when it opens a quote that it does not close. */
export function parseLine(text: string, delimiter: string): readonly string[] | null {
  return parseText(text, delimiter)?.[0] ?? null;
}

function takeRecords(
  lines: readonly TextLine[],
  delimiter: string,
  width: number,
  isEnd: boolean,
): { records: readonly CsvRecord[]; used: number } {
  const records: CsvRecord[] = [];
  let at = 0;
  while (at < lines.length) {
    const first = lines[at]!;
    if (first.problem !== undefined) {
      records.push(first);
      at++;
      continue;
    }
    const block = completeLines(lines, at);
    if (block.length > 0) {
      for (const record of parseBlock(block, delimiter, width)) records.push(record);
      at += block.length;
      continue;
    }
    const spanned = parseSpan(lines, at, delimiter, width);
    if (spanned === 'needs-more' && !isEnd) break;
    if (typeof spanned === 'object') records.push({ line: first.line, cells: spanned.cells });
    else records.push(...parseBlock([first], delimiter, width));
    at += typeof spanned === 'object' ? spanned.lines : 1;
  }
  return { records, used: at };
}

/** Lines from `at` on that are records by themselves: their quotes come in pairs. */
function completeLines(lines: readonly TextLine[], at: number): readonly ReadableLine[] {
  const block: ReadableLine[] = [];
  for (let next = at; next < lines.length && block.length < blockLines; next++) {
    const line = lines[next]!;
    if (line.problem !== undefined || countQuotes(line.text) % 2 === 1) break;
    block.push(line);
  }
  return block;
}

function parseBlock(block: readonly ReadableLine[], delimiter: string, width: number): readonly CsvRecord[] {
  const written = block.filter(({ text }) => text.trim() !== '');
  const parsed = parseText(written.map(({ text }) => text).join('\n'), delimiter);
  const rows = parsed?.length === written.length ? parsed : written.map(({ text }) => parseLine(text, delimiter));
  return rows.flatMap((cells, index): readonly CsvRecord[] => {
    const { line } = written[index]!;
    if (cells === null) return [{ line, problem: 'a quote is opened and never closed' }];
    if (cells.every((cell) => cell === '')) return [];
    const fitting = fit(cells, width);
    if (fitting !== null) return [{ line, cells: fitting }];
    return [{ line, problem: `expected ${width} columns as in the header, got ${cells.length}` }];
  });
}

/** A record whose quoted cells run over several lines; it must have as many cells as the header. */
function parseSpan(
  lines: readonly TextLine[],
  at: number,
  delimiter: string,
  width: number,
): { cells: readonly string[]; lines: number } | 'none' | 'needs-more' {
  const texts: string[] = [];
  let quotes = 0;
  let length = 0;
  for (let next = at; next < lines.length; next++) {
    const line = lines[next]!;
    if (line.problem !== undefined || texts.length === spanLines || length > spanLength) return 'none';
    texts.push(line.text);
    length += line.text.length;
    quotes += countQuotes(line.text);
    if (quotes % 2 === 1) continue;
    const parsed = parseText(texts.join('\n'), delimiter);
    const cells = parsed?.length === 1 ? fit(parsed[0]!, width) : null;
    return cells === null ? 'none' : { cells, lines: texts.length };
  }
  return 'needs-more';
}

/** Empty cells beyond the header's are what some programs write; anything else there is an error. */
function fit(cells: readonly string[], width: number): readonly string[] | null {
  if (cells.length === width) return cells;
  return cells.length > width && cells.slice(width).every((cell) => cell === '') ? cells.slice(0, width) : null;
}

function parseText(text: string, delimiter: string): string[][] | null {
  try {
    return parse(text, {
      delimiter,
      record_delimiter: '\n',
      relax_quotes: true,
      relax_column_count: true,
      trim: true,
    });
  } catch {
    return null;
  }
}

function countQuotes(text: string): number {
  let count = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) count++;
  return count;
}
