import { bookLimits, cutTo } from '../../book-fields.ts';
import type { BookContent } from '../../stored-book.ts';
import { identityKey } from '../../../../../text/words.ts';
import {
  readAuthors,
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
import type { ListedRow, UnreadValue } from './book-list.ts';
import type { BookColumn, FoundColumns } from './columns.ts';

/** The value of one column in one row: a text, or several texts in formats that have lists. Both may be empty. */
export type Cell = string | readonly string[];

/** A row of a list as a book. `undefined`: the row is too short to have this column. */
export type ReadRow<Value> = (line: number, values: readonly (Value | undefined)[]) => ListedRow;

/** The cells of a row for one kind of column, the best first; none if the row has no such column. */
type CellsOf = (column: BookColumn) => readonly Cell[];

/**
 * Reads the rows of a list as books; the same for every format. A field without a column is absent, so it stays as it
 * is in a known book.
 * @param at the positions of the columns of each kind in a row.
 * @param toCell turns a value into a cell of this kind of column.
 */
export function createRowReader<Value>(
  at: FoundColumns['at'],
  toCell: (value: Value, column: BookColumn) => Cell,
): ReadRow<Value> {
  const cellsIn = (values: readonly (Value | undefined)[], column: BookColumn): readonly Cell[] => {
    const cells: Cell[] = [];
    for (const index of at.get(column) ?? []) {
      const value = values[index];
      if (value !== undefined) cells.push(toCell(value, column));
    }
    return cells;
  };
  const readers = fieldReaders.filter(({ columns }) => columns.some((column) => at.has(column)));
  return (line, values) => {
    const cellsOf: CellsOf = (column) => cellsIn(values, column);
    const split = splitTitle(firstText(cellsOf('title'), titleText));
    const problem = titleProblem(split.title);
    if (problem !== null) return { line, problem };
    const fields: Fields = { title: split.title };
    const unread: UnreadValue[] = [];
    for (const { field, columns, read } of readers) {
      const cells = columns.length === 1 ? cellsOf(columns[0]!) : columns.flatMap(cellsOf);
      if (cells.length === 0) continue;
      const value = read(cells, cellsOf, split.title);
      if (value === 'unreadable') unread.push({ field, value: cutTo(firstText(cells, cellText), 60) });
      else fields[field] = value;
    }
    if (split.series !== null) fields['series'] ??= split.series;
    const sourceId = cutTo(firstText(cellsOf('id'), cellText), 200);
    return { line, book: { sourceId: sourceId === '' ? null : sourceId, fields: fields as BookFields }, unread };
  };
}

type BookFields = Partial<BookContent> & { readonly title: string };
type Fields = Record<string, unknown>;

/** Reads one field. Only called for rows that have at least one of its columns. */
type FieldReader<Field extends keyof BookContent = keyof BookContent> = {
  readonly field: Field;
  readonly columns: readonly BookColumn[];
  readonly read: (cells: readonly Cell[], cellsOf: CellsOf, title: string) => ListedValue<BookContent[Field]>;
};

function reader<Field extends keyof BookContent>(
  field: Field,
  columns: readonly BookColumn[],
  read: FieldReader<Field>['read'],
): FieldReader {
  return { field, columns, read };
}

const thisYear = new Date().getFullYear();
const firstPopularity = firstOf(readPopularity);

const fieldReaders: readonly FieldReader[] = [
  reader('author', ['author', 'moreAuthors'], (_, cellsOf) => readAuthorCells(cellsOf)),
  reader(
    'published_at',
    ['published'],
    firstOf((text) => readPublished(text, thisYear)),
  ),
  reader('description', ['description'], (cells) => readDescription(firstText(cells, descriptionText))),
  reader('isbn', ['isbn'], (cells) => readIsbn(cells.flat())),
  reader('subjects', ['subjects'], readSubjectCells),
  reader('language', ['language'], (cells) => readLanguage(cells.flat())),
  reader('popularity', ['popularity'], (cells) => firstPopularity(cells) ?? 0),
  reader('series', ['series'], (cells, cellsOf) =>
    readSeries(firstText(cells, cellText), firstText(cellsOf('seriesNumber'), cellText)),
  ),
  reader('other_titles', ['originalTitle', 'subtitle', 'otherTitles'], readOtherTitles),
];

/** The first readable value among the cells that are not empty. */
function firstOf<Value>(read: (text: string) => ListedValue<Value>): (cells: readonly Cell[]) => ListedValue<Value> {
  return (cells) => {
    let found: ListedValue<Value> = null;
    for (const cell of cells) {
      for (const written of textsOf(cell)) {
        const text = cellText(written);
        const value = text === '' ? null : read(text);
        if (value !== null && value !== 'unreadable') return value;
        found = value ?? found;
      }
    }
    return found;
  };
}

function readAuthorCells(cellsOf: CellsOf): string {
  const main = cellsOf('author').find((cell) => textsOf(cell).some((text) => cellText(text) !== '')) ?? '';
  return readAuthors([
    withRoles(main, cellsOf('authorRole')),
    ...cellsOf('moreAuthors').map((cell) => withRoles(cell, cellsOf('moreAuthorRoles'))),
  ]);
}

function withRoles(cell: Cell, [roles]: readonly Cell[]): Cell {
  const role = roles === undefined ? '' : firstText([roles], cellText);
  return role === '' || typeof cell !== 'string' || cell === '' ? cell : `${cell} (${role})`;
}

/** The subjects of the first column that has any. */
function readSubjectCells(cells: readonly Cell[]): readonly string[] {
  for (const cell of cells) {
    const subjects = readSubjects([cell]);
    if (subjects.length > 0) return subjects;
  }
  return [];
}

function readOtherTitles(cells: readonly Cell[], _: CellsOf, title: string): readonly string[] {
  const titles = new Map<string, string>();
  for (const text of cells.flat()) {
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
  for (const cell of cells) {
    for (const text of textsOf(cell)) {
      const cleaned = clean(text);
      if (cleaned !== '') return cleaned;
    }
  }
  return '';
}

function textsOf(cell: Cell): readonly string[] {
  return typeof cell === 'string' ? [cell] : cell;
}
