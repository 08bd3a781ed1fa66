import type { Book } from '../../../../events/book.ts';
import { bookLimits, cutTo, oneLine, paragraphs, toPublishedAt } from '../book-fields.ts';
import { toIsbn13 } from '../../../../text/authors-and-isbn.ts';
import type { ListedRow, UnreadValue } from './lists/book-list.ts';

/** The columns of an export, in order. An import recognises an export by them, and takes its values unchanged. */
export const exportColumns = [
  'id',
  'title',
  'author',
  'published_at',
  'description',
  'created_at',
  'isbn',
  'series',
  'subjects',
  'language',
  'popularity',
  'other_titles',
] as const;

export type ExportFormat = 'csv' | 'ndjson';

export function exportHeader(format: ExportFormat): string {
  return format === 'csv' ? `${exportColumns.join(',')}\n` : '';
}

/** A whole book as one record, with its line end. */
export function exportBook(book: Book, format: ExportFormat): string {
  const content = { ...book, subjects: book.subjects ?? [], other_titles: book.other_titles ?? [] };
  const values = exportColumns.map((name) => content[name] ?? null);
  if (format === 'ndjson') {
    return `${JSON.stringify(Object.fromEntries(exportColumns.map((name, index) => [name, values[index]])))}\n`;
  }
  return `${values.map((value) => csvCell(Array.isArray(value) ? listCell(value) : String(value ?? ''))).join(',')}\n`;
}

function listCell(texts: readonly string[]): string {
  return texts.length === 0 ? '' : JSON.stringify(texts);
}

/** RFC 4180; a cell is quoted where it has to be. */
export function csvCell(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function isExport(names: readonly string[]): boolean {
  return names.length === exportColumns.length && exportColumns.every((name, index) => names[index] === name);
}

/** Reads a record of an export. Nothing is guessed or cleaned, so that the next export is equal to this one. */
export function readExported(line: number, values: readonly unknown[]): ListedRow {
  const valueOf = new Map(exportColumns.map((name, index) => [name as string, values[index]]));
  const text = (name: string): string => {
    const value = valueOf.get(name);
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };
  const title = oneLine(text('title'));
  if (title === '' || title.length > bookLimits.titleLength) {
    return { line, problem: `expected a title of 1 to ${bookLimits.titleLength} characters, got ${title.length}` };
  }
  const unread: UnreadValue[] = [];
  const parsed = (field: string, parse: (text: string) => string | null): string | null => {
    const value = text(field) === '' ? null : parse(text(field));
    if (value === null && text(field) !== '') unread.push({ field, value: cutTo(text(field), 60) });
    return value;
  };
  const orNull = (value: string, length: number): string | null => (value === '' ? null : cutTo(value, length));
  const listOf = (name: string): readonly string[] => {
    const list = textsIn(valueOf.get(name));
    if (list === null) unread.push({ field: name, value: cutTo(text(name), 60) });
    return list ?? [];
  };
  const popularity = Number(text('popularity'));
  const fields = {
    title,
    author: cutTo(oneLine(text('author')), bookLimits.authorLength),
    published_at: parsed('published_at', toPublishedAt),
    description: orNull(paragraphs(text('description')), bookLimits.descriptionLength),
    isbn: parsed('isbn', toIsbn13),
    series: orNull(oneLine(text('series')), bookLimits.seriesLength),
    subjects: listOf('subjects').slice(0, bookLimits.subjects),
    language: orNull(oneLine(text('language')), 40),
    popularity: Number.isSafeInteger(popularity) && popularity >= 0 ? Math.min(popularity, bookLimits.popularity) : 0,
    other_titles: listOf('other_titles').slice(0, bookLimits.otherTitles),
  };
  return { line, book: { sourceId: text('id') === '' ? null : text('id'), fields }, unread };
}

/** `null` if the value is not a list of texts. */
function textsIn(value: unknown): readonly string[] | null {
  if (value === '' || value === null || value === undefined) return [];
  const list: unknown = typeof value === 'string' ? parseJson(value) : value;
  return Array.isArray(list) && list.every((item) => typeof item === 'string') ? list : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
