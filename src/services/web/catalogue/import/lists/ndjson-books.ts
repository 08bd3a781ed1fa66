import { kindOf, parseStrictJson } from '../../../../../events/json.ts';
import { createLruMap } from '../../../../../runtime/lru-map.ts';
import { cutTo, oneLine } from '../../book-fields.ts';
import type { BookList, ListedRow } from './book-list.ts';
import { findColumns, type BookColumn, type FoundColumns } from './listed-columns.ts';
import { readListedRow, type Cell } from './listed-row.ts';
import type { TextFile, TextLine } from './text-lines.ts';

/** So many columns that nothing is read from are remembered. */
const listedUnused = 50;

/**
 * Reads a file of books with one JSON object in each line, its keys by any of their names (`listed-columns.ts`) in any
 * order and not the same in every line. Only a title is needed. A line that is no such object costs itself only.
 */
export function openNdjsonBooks(file: TextFile): BookList {
  const unused = new Set<string>();
  const columnsOf = createColumnFinder((names) => {
    for (const name of names) if (unused.size < listedUnused) unused.add(cutTo(oneLine(name), 80));
  });
  async function* rows(): AsyncGenerator<readonly ListedRow[]> {
    for await (const lines of file.lines) yield lines.flatMap((line) => readLine(line, columnsOf));
  }
  return {
    sizeBytes: file.sizeBytes,
    bytesRead: file.bytesRead,
    unusedColumns: () => [...unused],
    rows: rows(),
  };
}

type FindColumns = (keys: readonly string[]) => FoundColumns;

/** Most lines of a file have the same keys as one of those before. */
function createColumnFinder(onUnused: (names: readonly string[]) => void): FindColumns {
  const known = createLruMap<string, FoundColumns>(mostSignatures);
  return (keys) => {
    const signature = keys.join('\n');
    const before = known.get(signature);
    if (before !== undefined) return before;
    const found = findColumns(keys);
    onUnused(found.unused);
    if (signature.length <= signatureLength) known.set(signature, found);
    return found;
  };
}

const mostSignatures = 50;
const signatureLength = 2_000;

function readLine(line: TextLine, columnsOf: FindColumns): readonly ListedRow[] {
  if (line.problem !== undefined) return [line];
  if (line.text.trim() === '') return [];
  const parsed = parseStrictJson(line.text);
  // JSON.parse quotes what it stumbles over, which may be control characters.
  if (parsed.problem !== undefined) return [{ line: line.line, problem: oneLine(parsed.problem) }];
  const { value } = parsed;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [{ line: line.line, problem: `expected a JSON object, got ${kindOf(value)}` }];
  }
  return [readObject(line.line, value, columnsOf)];
}

function readObject(line: number, object: object, columnsOf: FindColumns): ListedRow {
  const [keys, values] = [Object.keys(object), Object.values(object)];
  const cells = new Map<BookColumn, Cell>();
  for (const [column, index] of columnsOf(keys).at) {
    const value: unknown = values[index];
    const cell = toCell(column, value);
    if (cell === null) {
      const name = JSON.stringify(cutTo(keys[index]!, 80));
      return { line, problem: `${name}: expected ${expectedIn(column)}, got ${gotIn(column, value)}` };
    }
    cells.set(column, cell);
  }
  return readListedRow(line, (column) => cells.get(column));
}

const mayBeNumber: ReadonlySet<BookColumn> = new Set(['id', 'published', 'isbn13', 'isbn', 'popularity']);
const mayBeList: ReadonlySet<BookColumn> = new Set(['author', 'isbn13', 'isbn', 'series', 'subjects', 'language']);

/** `null` for what cannot stand in the column. */
function toCell(column: BookColumn, value: unknown): Cell | null {
  if (!Array.isArray(value) || !mayBeList.has(column)) return toText(column, value);
  const texts = value.map((item) => toText(column, item)).filter((text) => text !== null);
  return texts.length < value.length ? null : texts.filter((text) => text !== '');
}

function toText(column: BookColumn, value: unknown): string | null {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value !== 'number' || !mayBeNumber.has(column)) return null;
  // Two larger ids may have become the same number.
  return column === 'id' && Math.abs(value) > Number.MAX_SAFE_INTEGER ? null : String(value);
}

function expectedIn(column: BookColumn): string {
  if (column === 'id') return 'text or a number below 2^53';
  const one = mayBeNumber.has(column) ? 'text or a number' : 'text';
  return mayBeList.has(column) ? `${one}, or a list of such` : one;
}

function gotIn(column: BookColumn, value: unknown): string {
  if (!Array.isArray(value) || !mayBeList.has(column)) return kindOf(value);
  return `a list with ${kindOf(value.find((item) => toText(column, item) === null))} in it`;
}
