import { bookLimits, cutTo } from '../../book-fields.ts';
import type { BookContent } from '../../book-content.ts';
import { identityKey } from '../../../../../text/words.ts';
import { readAuthors } from './authors.ts';
import type { ListedRow, UnreadValue } from './book-list.ts';
import type { BookColumn } from './columns.ts';
import {
  cellText,
  isNothing,
  readDescription,
  readIsbn,
  readLanguage,
  readPopularity,
  readPublished,
  readSeries,
  readSubjects,
  splitTitle,
  titleText,
  type ListedValue,
} from './values.ts';

/** What stands in one column of one row: text, or several texts in formats that have lists. Both may be empty. */
export type Cell = string | readonly string[];

/** The cells of a row by what they may hold, the best first; empty for columns that the row does not have. */
export type CellsOf = (column: BookColumn) => readonly Cell[];

type Fields = { -readonly [Field in keyof BookContent]?: BookContent[Field] };

const thisYear = new Date().getFullYear();

/**
 * A row of a list as a book, whatever format the list has. Fields for which the row has no column are absent; they stay
 * as they are in a known book.
 */
export function readRow(line: number, cellsOf: CellsOf): ListedRow {
  const split = splitTitle(firstText(cellsOf('title'), titleText));
  const problem = titleProblem(split.title);
  if (problem !== null) return { line, problem };
  const fields: Fields = {};
  const unread: UnreadValue[] = [];
  const take = <Field extends keyof BookContent>(field: Field, column: BookColumn, read: ReadCells<Field>): void => {
    const cells = cellsOf(column);
    if (cells.length === 0) return;
    const value = read(cells);
    if (value !== 'unreadable') fields[field] = value as BookContent[Field];
    else unread.push({ field, value: cutTo(firstText(cells, cellText), 60) });
  };
  const author = readAuthorCells(cellsOf);
  if (author !== null) fields.author = author;
  take(
    'published_at',
    'published',
    readFirst((text) => readPublished(text, thisYear)),
  );
  take('description', 'description', (cells) => readDescription(firstText(cells, descriptionText)));
  take('isbn', 'isbn', (cells) => readIsbn(cells.flatMap(textsOf)));
  take('subjects', 'subjects', readSubjectCells);
  take('language', 'language', (cells) => readLanguage(cells.flatMap(textsOf)));
  take('popularity', 'popularity', (cells) => readFirst(readPopularity)(cells) ?? 0);
  take('series', 'series', (cells) =>
    readSeries(firstText(cells, cellText), firstText(cellsOf('seriesNumber'), cellText)),
  );
  if (split.series !== null) fields.series ??= split.series;
  const others = readOtherTitles(cellsOf, split.title);
  if (others !== null) fields.other_titles = others;
  const sourceId = cutTo(firstText(cellsOf('id'), cellText), 200);
  return {
    line,
    book: { sourceId: sourceId === '' ? null : sourceId, fields: { ...fields, title: split.title } },
    unread,
  };
}

type ReadCells<Field extends keyof BookContent> = (cells: readonly Cell[]) => ListedValue<BookContent[Field]>;

/** The first value that can be read, of cells that are not empty. */
function readFirst<Value>(read: (text: string) => ListedValue<Value>): (cells: readonly Cell[]) => ListedValue<Value> {
  return (cells) => {
    let found: ListedValue<Value> = null;
    for (const text of cells.flatMap(textsOf).map(cellText)) {
      const value = text === '' ? null : read(text);
      if (value !== null && value !== 'unreadable') return value;
      found = value ?? found;
    }
    return found;
  };
}

/** `null` where the row has no column for authors. */
function readAuthorCells(cellsOf: CellsOf): string | null {
  const [mains, more] = [cellsOf('author'), cellsOf('moreAuthors')];
  if (mains.length === 0 && more.length === 0) return null;
  const main = mains.find((cell) => textsOf(cell).some((text) => cellText(text) !== '')) ?? '';
  return readAuthors([
    withRoles(main, cellsOf('authorRole')),
    ...more.map((cell) => withRoles(cell, cellsOf('moreAuthorRoles'))),
  ]);
}

function withRoles(cell: Cell, [roles]: readonly Cell[]): Cell {
  const role = roles === undefined ? '' : firstText([roles], cellText);
  return role === '' || typeof cell !== 'string' || cell === '' ? cell : `${cell} (${role})`;
}

/** From the first column that says something. */
function readSubjectCells(cells: readonly Cell[]): readonly string[] {
  for (const cell of cells) {
    const subjects = readSubjects([cell]);
    if (subjects.length > 0) return subjects;
  }
  return [];
}

/** `null` where the row has no column for them. */
function readOtherTitles(cellsOf: CellsOf, title: string): readonly string[] | null {
  const cells = (['originalTitle', 'subtitle', 'otherTitles'] as const).flatMap(cellsOf);
  if (cells.length === 0) return null;
  const titles = new Map<string, string>();
  for (const text of cells.flatMap(textsOf)) {
    const other = cutTo(splitTitle(cellText(text)).title, bookLimits.titleLength);
    if (other !== '' && titles.size < bookLimits.otherTitles) titles.set(identityKey(other), other);
  }
  titles.delete(identityKey(title));
  return [...titles.values()];
}

function titleProblem(title: string): string | null {
  if (title === '') return 'expected a title, got nothing';
  if (title.length <= bookLimits.titleLength) return null;
  return `expected a title of at most ${bookLimits.titleLength} characters, got ${title.length}`;
}

/** Descriptions keep their lines. */
function descriptionText(cell: string): string {
  return isNothing(cell) ? '' : cell;
}

function firstText(cells: readonly Cell[], clean: (text: string) => string): string {
  for (const text of cells.flatMap(textsOf)) {
    const cleaned = clean(text);
    if (cleaned !== '') return cleaned;
  }
  return '';
}

function textsOf(cell: Cell): readonly string[] {
  return typeof cell === 'string' ? [cell] : cell;
}
