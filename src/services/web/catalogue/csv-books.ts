import type { BookList, ListedRow } from './book-list.ts';
import { bookLimits, cutTo, oneLine } from './book-fields.ts';
import type { BookContent } from './catalogue.ts';
import {
  readAuthor,
  readDescription,
  readIsbn,
  readLanguage,
  readPopularity,
  readPublished,
  readSubjects,
  splitTitle,
  type CellValue,
} from './csv-cells.ts';
import { findColumns, type BookColumn, type FoundColumns } from './csv-columns.ts';
import { parseLine, readRecords, type CsvRecord } from './csv-records.ts';
import { badFile, openTextFile, type TextLine } from './text-lines.ts';

/**
 * Opens a CSV file of books: comma, semicolon or tab between cells, a header in the first line, columns by any of
 * their names (`csv-columns.ts`) in any order. Only a title is needed.
 * @throws SamsaError `bad-import-file` when it is no text file or has no column for titles.
 */
export async function openCsvBooks(path: string): Promise<BookList> {
  const file = await openTextFile(path);
  const blocks = file.lines[Symbol.asyncIterator]();
  const { header, rest } = await readHeader(path, blocks);
  const { delimiter, cells } = mostLikelyCells(header);
  const columns = findColumns(cells);
  if (!columns.at.has('title')) {
    await blocks.return?.();
    throw badFile(
      path,
      `expected a CSV file with a column "title" in its first line, got ${JSON.stringify(cutTo(header, 120))}`,
    );
  }
  async function* lines(): AsyncGenerator<readonly TextLine[]> {
    yield rest;
    yield* { [Symbol.asyncIterator]: () => blocks };
  }
  return {
    sizeBytes: file.sizeBytes,
    bytesRead: file.bytesRead,
    unusedColumns: columns.unused,
    rows: readRows(readRecords(lines(), delimiter, cells.length), columns),
  };
}

async function readHeader(
  path: string,
  blocks: AsyncIterator<readonly TextLine[]>,
): Promise<{ header: string; rest: readonly TextLine[] }> {
  for (let block = await blocks.next(); block.done !== true; block = await blocks.next()) {
    for (const [index, line] of block.value.entries()) {
      if (line.problem !== undefined) throw badFile(path, `line ${line.line}: ${line.problem}`);
      if (line.text.trim() === '' || /^sep=.$/i.test(line.text)) continue;
      return { header: line.text, rest: block.value.slice(index + 1) };
    }
  }
  throw badFile(path, 'expected a header line, got only blank lines');
}

/** The header cut by whichever delimiter makes most of it known. */
function mostLikelyCells(header: string): { delimiter: string; cells: readonly string[] } {
  let best = { delimiter: ',', cells: [header] as readonly string[], known: -1 };
  for (const delimiter of [',', ';', '\t']) {
    const cells = parseLine(header, delimiter) ?? [header];
    const known = findColumns(cells).at.size;
    if (known > best.known) best = { delimiter, cells, known };
  }
  return best;
}

async function* readRows(
  records: AsyncIterable<readonly CsvRecord[]>,
  columns: FoundColumns,
): AsyncGenerator<readonly ListedRow[]> {
  for await (const some of records) {
    yield some.map((record) => (record.problem === undefined ? readRow(record.line, record.cells, columns) : record));
  }
}

type Fields = { -readonly [Field in keyof BookContent]?: BookContent[Field] };

function readRow(line: number, cells: readonly string[], { at }: FoundColumns): ListedRow {
  const cell = (column: BookColumn): string => cells[at.get(column) ?? -1] ?? '';
  const split = splitTitle(oneLine(cell('title')));
  const problem = titleProblem(split.title);
  if (problem !== null) return { line, problem };
  const fields: Fields = {};
  const leftOut: string[] = [];
  const take = <Field extends keyof BookContent>(field: Field, value: CellValue<BookContent[Field]>): void => {
    if (value === 'unusable') leftOut.push(field);
    else fields[field] = value as BookContent[Field];
  };
  if (at.has('author')) fields.author = readAuthor(cell('author'));
  if (at.has('published')) take('published_at', readPublished(cell('published')));
  if (at.has('description')) fields.description = readDescription(cell('description'));
  if (at.has('isbn') || at.has('isbn13')) take('isbn', readIsbn([cell('isbn13'), cell('isbn')]));
  if (at.has('subjects')) fields.subjects = readSubjects(cell('subjects'));
  if (at.has('language')) take('language', readLanguage(cell('language')));
  if (at.has('popularity')) take('popularity', orZero(readPopularity(cell('popularity'))));
  const series = cutTo(oneLine(cell('series')), bookLimits.seriesLength);
  if (at.has('series')) fields.series = series === '' ? split.series : series;
  else if (split.series !== null) fields.series = split.series;
  const sourceId = cutTo(oneLine(cell('id')), 200);
  return {
    line,
    book: { sourceId: sourceId === '' ? null : sourceId, fields: { ...fields, title: split.title } },
    leftOut,
  };
}

function titleProblem(title: string): string | null {
  if (title === '') return 'expected a title, got an empty cell';
  if (title.length <= bookLimits.titleLength) return null;
  return `expected a title of at most ${bookLimits.titleLength} characters, got ${title.length}`;
}

function orZero(value: CellValue<number>): CellValue<number> {
  return value ?? 0;
}
