import { kindOf, parseStrictJson } from '../../../../../events/json.ts';
import { createLruMap } from '../../../../../runtime/lru-map.ts';
import { cutTo, oneLine } from '../../book-fields.ts';
import { isExport, readExported } from '../exported-books.ts';
import type { BookList, ListedRow } from './book-list.ts';
import { columnKey, findColumns, isTitleColumn, type BookColumn, type ChosenColumns } from './columns.ts';
import type { ListFile } from './list-file.ts';
import { createRowReader, type Cell, type ReadRow } from './read-row.ts';
import type { Decode, TextFile, TextLine } from './text-lines.ts';

/** How many names of unused columns are remembered. */
const mostUnused = 50;
const objectLimitBytes = 16 << 20;

/**
 * Reads JSON objects that are books: one in each line, one after another over several lines, in a list, or in a list
 * inside an object, as web services answer. Keys may differ between objects. A broken object is skipped; the others are
 * read.
 */
export function openJsonBooks(file: ListFile, text: TextFile, chosen: ChosenColumns): BookList {
  const unused = new Set<string>();
  const readObject = createObjectReader(chosen, (names) => {
    for (const name of names) if (unused.size < mostUnused) unused.add(cutTo(oneLine(name), 80));
  });
  const first = firstObject(file, text);
  const found = findColumns(Object.keys(first), chosen);
  const isExact = isExport(Object.keys(first));
  async function* rows(): AsyncGenerator<Iterable<ListedRow>> {
    const values = isLineByLine(text) ? text.lines() : splitValues(text.blocks(), text.decode);
    for await (const some of values) yield some.values().flatMap((value) => readValue(value, readObject, isExact));
  }
  return {
    sizeBytes: file.sizeBytes,
    bytesRead: file.bytesRead,
    taken: isExact ? ['the export of a shop, as it stands'] : found.taken,
    kind: found.program ?? Object.keys(first).map(columnKey).sort().join(','),
    isExact,
    unusedColumns: () => (isExact ? [] : [...unused]),
    rows: rows(),
  };
}

/** Whether every line is a complete object, so that a broken one costs one line. */
function isLineByLine({ firstLines }: TextFile): boolean {
  const lines = firstLines.filter((line) => line.trim() !== '');
  const [first = '', second = '{'] = lines;
  if (!first.trimStart().startsWith('{')) return false;
  return first.trimEnd().endsWith('}') || second.startsWith('{');
}

/** The first object of the file, if it ends within the first 64 KiB; else an object without keys. */
function firstObject(file: ListFile, text: TextFile): object {
  for (const line of isLineByLine(text) ? text.firstLines : []) {
    const [object] = objectsInText(line);
    if (object !== undefined) return object;
  }
  for (const { bytes } of createScanner().scan(file.head)) {
    const [object] = objectsInText(bytes?.toString() ?? '');
    if (object !== undefined) return object;
  }
  return {};
}

export type ReadObject = (line: number, object: object) => ListedRow;

/**
 * Reads objects as rows. Keeps one row reader for each set of keys, because most objects of a file have the same keys.
 */
export function createObjectReader(
  chosen: ChosenColumns,
  onUnused: (names: readonly string[]) => void = () => {},
): ReadObject {
  const known = createLruMap<string, ReadRow<unknown>>(mostSignatures);
  return (line, object) => {
    const keys = Object.keys(object);
    const signature = keys.join('\n');
    let readRow = known.get(signature);
    if (readRow === undefined) {
      const { at, unused } = findColumns(keys, chosen);
      onUnused(unused);
      readRow = createRowReader(at, toCell);
      if (signature.length <= signatureLength) known.set(signature, readRow);
    }
    return readRow(line, Object.values(object));
  };
}

const mostSignatures = 50;
const signatureLength = 4_000;

function readValue(value: TextLine, readObject: ReadObject, isExact: boolean): readonly ListedRow[] {
  if (value.problem !== undefined) return [value];
  const { line } = value;
  if (value.text.trim() === '') return [];
  const parsed = parseStrictJson(value.text);
  // The message of JSON.parse quotes the text, which may have control characters.
  if (parsed.problem !== undefined) return [{ line, problem: oneLine(parsed.problem) }];
  const objects = objectsIn(parsed.value);
  if (objects.length === 0) return [{ line, problem: `expected a JSON object, got ${kindOf(parsed.value)}` }];
  return objects.map((object) =>
    isExact && isExport(Object.keys(object)) ? readExported(line, Object.values(object)) : readObject(line, object),
  );
}

function objectsInText(text: string): readonly object[] {
  const parsed = parseStrictJson(text);
  return parsed.problem === undefined ? objectsIn(parsed.value) : [];
}

const listKeys = ['results', 'books', 'items', 'docs', 'data', 'works', 'entries', 'records'];

/** The books in a JSON value: the value itself, or the list in a web service's answer. */
function objectsIn(value: unknown): readonly object[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  const found = Object.entries(value);
  if (found.some(([key]) => isTitleColumn(key))) return [value];
  const list = listKeys
    .flatMap((key) => found.filter(([name]) => name === key))
    .find(([, items]) => Array.isArray(items));
  if (list === undefined) return [value];
  return (list[1] as readonly unknown[]).filter(
    (item) => typeof item === 'object' && item !== null,
  ) as readonly object[];
}

function toCell(value: unknown, column: BookColumn): Cell {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => toTexts(column, item));
  return toTexts(column, value)[0] ?? '';
}

/** The texts that a value has for this column; none if it has no meaning there. */
function toTexts(column: BookColumn, value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  // Larger integers are not exact: two different ids may have become equal.
  if (typeof value === 'number') return column === 'id' && !Number.isSafeInteger(value) ? [] : [String(value)];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  const known = value as Readonly<Record<string, unknown>>;
  if (column === 'author' || column === 'moreAuthors') return personName(known);
  if (column === 'isbn')
    return Object.values(known)
      .flatMap((item) => (Array.isArray(item) ? item : [item]))
      .flatMap((item) => toTexts(column, item));
  for (const name of ['value', 'name', 'title', 'label', 'text', 'code']) {
    if (typeof known[name] === 'string') return [known[name]];
  }
  const key = known['key'];
  return column === 'language' && typeof key === 'string' ? [key.slice(key.lastIndexOf('/') + 1)] : [];
}

/** The name in `{name, role}`, or in such an object inside another one. */
function personName(person: Readonly<Record<string, unknown>>): readonly string[] {
  for (const name of ['name', 'full_name', 'fullName', 'author_name', 'personal_name', 'author']) {
    const value = person[name];
    if (typeof value === 'string' && value.trim() !== '') {
      const role = person['role'];
      return [typeof role === 'string' && role.trim() !== '' ? `${value} (${role})` : value];
    }
    if (typeof value === 'object' && value !== null) return personName(value as Readonly<Record<string, unknown>>);
  }
  return [];
}

/** JSON values in lists or one after another, each with the line it begins on. */
async function* splitValues(blocks: AsyncIterable<Buffer>, decode: Decode): AsyncGenerator<readonly TextLine[]> {
  const scanner = createScanner();
  for await (const block of blocks) {
    const found = scanner.scan(block).map(({ line, bytes }): TextLine => {
      if (bytes === null) return { line, problem: 'expected a JSON object, got something else' };
      if (bytes.length > objectLimitBytes) return { line, problem: `longer than ${objectLimitBytes >> 20} MiB` };
      const text = decode(bytes);
      return text === null ? { line, problem: 'expected UTF-8' } : { line, text };
    });
    if (found.length > 0) yield found;
  }
  if (scanner.isOpen())
    yield [{ line: scanner.line(), problem: 'expected the end of a JSON value, got the end of the file' }];
}

type Scanner = {
  /** `bytes` is null for a value that is not an object. */
  readonly scan: (block: Buffer) => readonly { readonly line: number; readonly bytes: Buffer | null }[];
  readonly isOpen: () => boolean;
  readonly line: () => number;
};

/** What may stand around values: brackets, a comma, and a byte order mark. */
const betweenValues = Buffer.from('[],\uFEFF');

/** Finds objects by their braces, ignoring braces in strings. A list around the objects is not an object itself. */
function createScanner(): Scanner {
  let [depth, line, startLine] = [0, 1, 1];
  let [inString, isEscaped] = [false, false];
  let isInValue = false;
  let parts: Buffer[] = [];
  let length = 0;
  const scan: Scanner['scan'] = (block) => {
    const found: { line: number; bytes: Buffer | null }[] = [];
    let start = depth > 0 ? 0 : -1;
    for (let at = 0; at < block.length; at++) {
      const byte = block[at]!;
      if (byte === 10) line++;
      if (inString) {
        if (isEscaped) isEscaped = false;
        else if (byte === 0x5c) isEscaped = true;
        else if (byte === 0x22) inString = false;
      } else if (byte === 0x22 && depth > 0) inString = true;
      else if (byte === 0x7b) {
        if (depth++ === 0) [start, startLine, isInValue] = [at, line, false];
      } else if (byte === 0x7d && depth > 0 && --depth === 0) {
        parts.push(block.subarray(start, at + 1));
        found.push({ line: startLine, bytes: Buffer.concat(parts) });
        [parts, length, start] = [[], 0, -1];
      } else if (depth === 0) {
        const isValue = byte > 0x20 && !betweenValues.includes(byte);
        if (isValue && !isInValue) found.push({ line, bytes: null });
        isInValue = isValue || (isInValue && byte === 0x20);
      }
    }
    if (start >= 0) {
      length += block.length - start;
      // Keeps only enough of a long object to see that it is too long.
      if (length <= objectLimitBytes + block.length) parts.push(block.subarray(start));
    }
    return found;
  };
  return { scan, isOpen: () => depth > 0, line: () => startLine };
}
