import { parse } from 'csv-parse/sync';
import type { TextLine } from './text-lines.ts';

/** One record of a table with the line it begins on, or the reason why that line cannot be read. */
export type TableRecord =
  | { readonly line: number; readonly cells: readonly string[]; readonly problem?: undefined }
  | { readonly line: number; readonly problem: string };

/** How the cells of a file are written; `table-books.ts` finds out. */
export type CsvDialect = {
  readonly delimiter: string;
  /** Quotes inside of quoted cells are written `\"` instead of `""`. */
  readonly hasBackslashes: boolean;
  /** Every line is quoted as a whole. */
  readonly hasQuotedLines: boolean;
  /** White space around cells is part of their values. */
  readonly isExact: boolean;
};

type ReadableLine = Extract<TextLine, { text: string }>;

/** How many lines a quoted cell may span. Beyond that its quote counts as never closed. */
const spanLines = 1_000;
const spanLength = 256 * 1024;
const blockLines = 200;

/**
 * Reads lines as CSV records of at most `width` cells (RFC 4180; quotes inside unquoted cells are allowed). A broken
 * record costs only its own line: if a quote never closes, or closes so that the number of cells is wrong, reading goes
 * on with the next line. Short records are returned as they are; blank ones are left out.
 */
export async function* readRecords(
  lines: AsyncIterable<readonly TextLine[]>,
  dialect: CsvDialect,
  width: number,
): AsyncGenerator<readonly TableRecord[]> {
  let pending: readonly TextLine[] = [];
  for await (const more of lines) {
    pending = [...pending, ...more];
    const { records, used } = takeRecords(pending, dialect, width, false);
    pending = pending.slice(used);
    if (records.length > 0) yield records;
  }
  yield takeRecords(pending, dialect, width, true).records;
}

/** The cells of one line; `null` when it opens a quote that it does not close. */
export function parseLine(text: string, dialect: CsvDialect): readonly string[] | null {
  return parseText(text, dialect)?.[0] ?? null;
}

function takeRecords(
  lines: readonly TextLine[],
  dialect: CsvDialect,
  width: number,
  isEnd: boolean,
): { records: readonly TableRecord[]; used: number } {
  const records: TableRecord[] = [];
  let at = 0;
  while (at < lines.length) {
    const first = lines[at]!;
    if (first.problem !== undefined) {
      records.push(first);
      at++;
      continue;
    }
    const block = completeLines(lines, at, dialect);
    if (block.length > 0) {
      for (const record of parseBlock(block, dialect, width)) records.push(record);
      at += block.length;
      continue;
    }
    const spanned = parseSpan(lines, at, dialect, width);
    if (spanned === 'needs-more' && !isEnd) break;
    if (typeof spanned === 'object') records.push({ line: first.line, cells: spanned.cells });
    else records.push(...parseBlock([first], dialect, width));
    at += typeof spanned === 'object' ? spanned.lines : 1;
  }
  return { records, used: at };
}

/** The lines from `at` on that are complete records, because their quotes come in pairs. */
function completeLines(lines: readonly TextLine[], at: number, dialect: CsvDialect): readonly ReadableLine[] {
  const block: ReadableLine[] = [];
  for (let next = at; next < lines.length && block.length < blockLines; next++) {
    const line = lines[next]!;
    if (line.problem !== undefined || countQuotes(line.text, dialect) % 2 === 1) break;
    block.push(line);
  }
  return block;
}

function parseBlock(block: readonly ReadableLine[], dialect: CsvDialect, width: number): readonly TableRecord[] {
  const written = block.filter(({ text }) => text.trim() !== '');
  const rows = cutLines(
    written.map(({ text }) => text),
    dialect,
  );
  return rows.flatMap((cells, index): readonly TableRecord[] => {
    const { line } = written[index]!;
    if (cells === null) return [{ line, problem: 'a quote is opened and never closed' }];
    if (cells.every((cell) => cell === '')) return [];
    if (fits(cells, width)) return [{ line, cells }];
    return [{ line, problem: `expected ${width} columns as in the header, got ${cells.length}` }];
  });
}

/**
 * The cells of lines that are complete records; `null` for a line with a quote that is never closed. Only lines with
 * quotes need the parser.
 */
function cutLines(texts: readonly string[], dialect: CsvDialect): readonly (readonly string[] | null)[] {
  const quoted = texts.filter((text) => text.includes('"'));
  const parsed = quoted.length === 0 ? [] : parseText(quoted.join('\n'), dialect);
  const cut = parsed?.length === quoted.length ? parsed : quoted.map((text) => parseLine(text, dialect));
  let next = 0;
  return texts.map((text) => {
    if (text.includes('"')) return cut[next++]!;
    const cells = text.split(dialect.delimiter);
    return dialect.isExact ? cells : cells.map((cell) => cell.trim());
  });
}

/** A record whose quoted cells run over several lines. It must have as many cells as the header. */
function parseSpan(
  lines: readonly TextLine[],
  at: number,
  dialect: CsvDialect,
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
    quotes += countQuotes(line.text, dialect);
    if (quotes % 2 === 1) continue;
    const cells = parseText(texts.join('\n'), dialect);
    if (cells?.length !== 1) return 'none';
    const isWhole = cells[0]!.length >= width || parseText(texts.join('\n'), dialect, 'strictly') !== null;
    return isWhole && fits(cells[0]!, width) ? { cells: cells[0]!, lines: texts.length } : 'none';
  }
  return 'needs-more';
}

/** Some programs write empty cells beyond those of the header. Anything else there is an error. */
function fits(cells: readonly string[], width: number): boolean {
  return cells.length <= width || cells.slice(width).every((cell) => cell === '');
}

function parseText(text: string, dialect: CsvDialect, quotes: 'strictly' | 'relaxed' = 'relaxed'): string[][] | null {
  try {
    const rows = parse(text, {
      delimiter: dialect.delimiter,
      record_delimiter: '\n',
      escape: dialect.hasBackslashes ? '\\' : '"',
      relax_quotes: quotes === 'relaxed',
      relax_column_count: true,
      trim: !dialect.isExact,
    });
    if (!dialect.hasQuotedLines) return rows;
    const unquoted = { ...dialect, hasQuotedLines: false };
    const inner = rows.map((cells) => (cells.length > 1 ? cells : (parseText(cells[0] ?? '', unquoted)?.[0] ?? null)));
    return inner.includes(null) ? null : (inner as string[][]);
  } catch {
    return null;
  }
}

function countQuotes(text: string, { hasBackslashes }: CsvDialect): number {
  let count = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) {
    if (!hasBackslashes || !isEscaped(text, at)) count++;
  }
  return count;
}

/** Whether an odd number of backslashes stands before it. */
function isEscaped(text: string, at: number): boolean {
  let from = at;
  while (text[from - 1] === '\\') from--;
  return (at - from) % 2 === 1;
}
