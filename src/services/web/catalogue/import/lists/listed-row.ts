import { bookLimits, cutTo, oneLine } from '../../book-fields.ts';
import type { BookContent } from '../../catalogue.ts';
import type { ListedRow } from './book-list.ts';
import type { BookColumn } from './listed-columns.ts';
import {
  readAuthor,
  readDescription,
  readIsbn,
  readLanguage,
  readPopularity,
  readPublished,
  readSubjects,
  splitTitle,
  type ListedValue,
} from './listed-fields.ts';

/** What stands in one column of one row: text, or several in formats that have lists; both may be empty. */
export type Cell = string | readonly string[];

type Fields = { -readonly [Field in keyof BookContent]?: BookContent[Field] };

/**
 * A row of somebody else's list as a book, whatever format it was written in. `cellOf` gives `undefined` for columns
 * the row does not have: those stay as they are in a book that is known, while empty ones are emptied.
 */
export function readListedRow(line: number, cellOf: (column: BookColumn) => Cell | undefined): ListedRow {
  const split = splitTitle(oneLine(firstOf(cellOf('title'))));
  const problem = titleProblem(split.title);
  if (problem !== null) return { line, problem };
  const fields: Fields = {};
  const leftOut: string[] = [];
  const take = <Field extends keyof BookContent>(field: Field, value: ListedValue<BookContent[Field]>): void => {
    if (value === 'unusable') leftOut.push(field);
    else fields[field] = value as BookContent[Field];
  };
  /** Calls `read` with the column's text, if the row has the column. */
  const given = (column: BookColumn, read: (text: string) => void): void => {
    const cell = cellOf(column);
    if (cell !== undefined) read(firstOf(cell));
  };
  const author = cellOf('author');
  if (author !== undefined) fields.author = readAuthor(allOf(author).join(', '));
  given('published', (text) => take('published_at', readPublished(text)));
  given('description', (text) => (fields.description = readDescription(text)));
  const [isbn13, isbn] = [cellOf('isbn13'), cellOf('isbn')];
  if (isbn13 !== undefined || isbn !== undefined) take('isbn', readIsbn([...allOf(isbn13), ...allOf(isbn)]));
  const subjects = cellOf('subjects');
  if (subjects !== undefined) fields.subjects = readSubjects(subjects);
  given('language', (text) => take('language', readLanguage(text)));
  given('popularity', (text) => take('popularity', readPopularity(text) ?? 0));
  if (split.series !== null) fields.series = split.series;
  given('series', (text) => {
    const series = cutTo(oneLine(text), bookLimits.seriesLength);
    fields.series = series === '' ? split.series : series;
  });
  const sourceId = cutTo(oneLine(firstOf(cellOf('id'))), 200);
  return {
    line,
    book: { sourceId: sourceId === '' ? null : sourceId, fields: { ...fields, title: split.title } },
    leftOut,
  };
}

function titleProblem(title: string): string | null {
  if (title === '') return 'expected a title, got nothing';
  if (title.length <= bookLimits.titleLength) return null;
  return `expected a title of at most ${bookLimits.titleLength} characters, got ${title.length}`;
}

function firstOf(cell: Cell | undefined): string {
  return allOf(cell)[0] ?? '';
}

function allOf(cell: Cell | undefined): readonly string[] {
  if (cell === undefined) return [];
  return typeof cell === 'string' ? [cell] : cell;
}
