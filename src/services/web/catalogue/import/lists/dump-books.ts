import { parseStrictJson } from '../../../../../events/json.ts';
import { oneLine } from '../../book-fields.ts';
import type { BookList, ListedRow } from './book-list.ts';
import type { ChosenColumns } from './columns.ts';
import { createObjectReader, type ReadObject } from './json-books.ts';
import type { ListFile } from './list-file.ts';
import type { TextFile, TextLine } from './text-lines.ts';

/** How many authors of a dump are remembered, to name the authors of later books. */
const mostAuthors = 500_000;
const bookTypes = ['/type/edition', '/type/work'];

/** Whether these lines come from an Open Library dump: type, key, revision, time and JSON, separated by tabs. */
export function isDump({ firstLines }: TextFile): boolean {
  return /^\/type\/\w+\t\/\S+\t\d+\t\S+\t\{/.test(firstLines[0] ?? '');
}

/**
 * Reads the editions and works of an Open Library dump, and skips other types. A book names its authors by key. Their
 * names are known only if the dump has the authors before the book.
 */
export function openDumpBooks(file: ListFile, text: TextFile, chosen: ChosenColumns): BookList {
  const authors = new Map<string, string>();
  const readObject = createObjectReader(chosen);
  async function* rows(): AsyncGenerator<Iterable<ListedRow>> {
    for await (const lines of text.lines()) yield lines.values().flatMap((line) => readLine(line, authors, readObject));
  }
  return {
    sizeBytes: file.sizeBytes,
    bytesRead: file.bytesRead,
    taken: ['the editions and works of an Open Library dump'],
    unusedColumns: () => [],
    kind: 'openlibrary',
    isExact: false,
    rows: rows(),
  };
}

function readLine(read: TextLine, authors: Map<string, string>, readObject: ReadObject): readonly ListedRow[] {
  if (read.problem !== undefined) return [read];
  const { line, text } = read;
  const [type = '', key = '', , , json] = text.split('\t', 5);
  const isAuthor = type === '/type/author';
  if (text.trim() === '' || (type.startsWith('/type/') && !isAuthor && !bookTypes.includes(type))) return [];
  const parsed = parseStrictJson(json ?? '');
  if (parsed.problem !== undefined) return isAuthor ? [] : [{ line, problem: oneLine(parsed.problem) }];
  const record = parsed.value as Readonly<Record<string, unknown>>;
  if (isAuthor) {
    if (authors.size < mostAuthors && typeof record['name'] === 'string') authors.set(key, record['name']);
    return [];
  }
  const names = authorKeys(record['authors']).flatMap((author) => authors.get(author) ?? []);
  const { authors: _, key: __, first_publish_date, ...rest } = record;
  const book = { id: key, ...rest, ...(names.length > 0 && { author: names }), first_publish_date };
  return [readObject(line, book)];
}

/** `[{key}]` in editions, `[{author: {key}}]` in works. */
function authorKeys(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly unknown[]).flatMap((item) => {
    const known = item as { readonly key?: unknown; readonly author?: { readonly key?: unknown } } | null;
    const key = known?.author?.key ?? known?.key;
    return typeof key === 'string' ? [key] : [];
  });
}
