import { cutTo, oneLine } from '../../book-fields.ts';
import { exportColumns, isExport, readExported } from '../exported-books.ts';
import type { BookList, ListedRow } from './book-list.ts';
import { columnKey, findColumns, type ChosenColumns } from './columns.ts';
import { parseLine, readRecords, type CsvDialect, type TableRecord } from './csv-records.ts';
import { badFile, type ListFile } from './list-file.ts';
import { createRowReader } from './read-row.ts';
import type { TextFile, TextLine } from './text-lines.ts';
import { readFirstSheet, type SheetRow } from './workbook-rows.ts';

/** A title page or a line of dates may stand before the header. */
const linesBeforeHeader = 50;
const delimiters = [',', ';', '\t', '|'];

/**
 * Reads a table of books in text: comma, semicolon, tab or `|` between cells, a header in one of the first lines,
 * columns by any of their names in any order. Only a title is needed.
 * @throws SamsaError `bad-import-file` when it has no column for titles.
 */
export function openCsvBooks(file: ListFile, text: TextFile, chosen: ChosenColumns): BookList {
  const header = findHeader(text.firstLines, chosen);
  if (header === null) {
    const first = text.firstLines.find((line) => line.trim() !== '') ?? '';
    if (first === '') throw badFile(file.path, 'expected a header line, got only blank lines');
    const got = JSON.stringify(cutTo(oneLine(first), 120));
    const title = chosen.get('title');
    throw badFile(
      file.path,
      title === undefined
        ? `expected a column for titles in the header, or JSON objects, got ${got}. Name the column with --columns title=NAME`
        : `--columns: expected a column ${JSON.stringify(title)} in the header, got ${got}`,
    );
  }
  const { at, dialect, cells } = header;
  async function* lines(): AsyncGenerator<readonly TextLine[]> {
    let isFirst = true;
    for await (const some of text.lines()) {
      yield isFirst ? some.filter(({ line }) => line > at + 1) : some;
      isFirst &&= some.at(-1)!.line <= at;
    }
  }
  return tableOf(file, { header: cells, chosen, records: readRecords(lines(), dialect, cells.length) });
}

type Header = { readonly at: number; readonly dialect: CsvDialect; readonly cells: readonly string[] };

/** The first line with a title and another known column, or the first of all when it has at least a title. */
function findHeader(lines: readonly string[], chosen: ChosenColumns): Header | null {
  const hasBackslashes = lines.some((line) => /[^\\]\\"[^,;\t|"\s]/.test(line));
  for (const [at, line] of lines.slice(0, linesBeforeHeader).entries()) {
    if (line.trim() === '' || /^sep=.$/i.test(line)) continue;
    const isFirst = lines.slice(0, at).every((before) => before.trim() === '' || /^sep=.$/i.test(before));
    const { known, hasTitle, ...found } = mostKnownCells(line, hasBackslashes, chosen);
    if (hasTitle && (isFirst || known > 1)) return { at, ...found };
  }
  return null;
}

/** The line, cut at the separator with which most column names are known. */
function mostKnownCells(line: string, hasBackslashes: boolean, chosen: ChosenColumns) {
  let best = { known: -1, hasTitle: false, dialect: dialectOf(','), cells: [line] as readonly string[] };
  for (const hasQuotedLines of [false, true]) {
    for (const delimiter of delimiters) {
      const dialect = { ...dialectOf(delimiter), hasBackslashes, hasQuotedLines };
      const cells = parseLine(line, dialect) ?? [line];
      const { at } = findColumns(cells, chosen);
      const isExact = isExport(cells);
      if (at.size > best.known)
        best = { known: at.size, hasTitle: at.has('title'), dialect: { ...dialect, isExact }, cells };
    }
  }
  return best;
}

function dialectOf(delimiter: string): CsvDialect {
  return { delimiter, hasBackslashes: false, hasQuotedLines: false, isExact: false };
}

type Table = {
  readonly header: readonly string[];
  readonly chosen: ChosenColumns;
  readonly records: AsyncIterable<readonly TableRecord[]>;
};

function tableOf(file: ListFile, { header, chosen, records }: Table): BookList {
  const columns = findColumns(header, chosen);
  checkChosen(file, header, chosen);
  const isExact = isExport(header);
  const readRow = createRowReader(columns.at, (cell: string) => cell);
  async function* rows(): AsyncGenerator<Iterable<ListedRow>> {
    for await (const some of records) {
      yield some.values().map((record) => {
        if (record.problem !== undefined) return record;
        return isExact ? readExported(record.line, record.cells) : readRow(record.line, record.cells);
      });
    }
  }
  return {
    sizeBytes: file.sizeBytes,
    bytesRead: file.bytesRead,
    taken: isExact ? [`the export of a shop, as it stands: ${exportColumns.join(', ')}`] : columns.taken,
    unusedColumns: () => (isExact ? [] : columns.unused),
    kind: columns.program ?? header.map(columnKey).join(','),
    isExact,
    rows: rows(),
  };
}

function checkChosen({ path }: ListFile, header: readonly string[], chosen: ChosenColumns): void {
  const missing = [...chosen.values()].find((name) => !header.some((cell) => columnKey(cell) === columnKey(name)));
  if (missing === undefined) return;
  throw badFile(
    path,
    `--columns: expected a column ${JSON.stringify(missing)}, found ${header.slice(0, 40).join(', ')}`,
  );
}

/** @throws SamsaError `bad-import-file` when it is damaged, too large, or its first sheet has no column for titles. */
export async function openWorkbook(file: ListFile, chosen: ChosenColumns): Promise<BookList> {
  const sheet = readFirstSheet(file);
  const first: SheetRow[] = [];
  while (first.length < linesBeforeHeader) {
    const more = await sheet.next();
    if (more.done === true) break;
    first.push(...more.value);
  }
  const at = first.slice(0, linesBeforeHeader).findIndex(({ cells }) => findColumns(cells, chosen).at.has('title'));
  if (at === -1)
    throw badFile(file.path, 'expected a column for titles in the first sheet. Name it with --columns title=NAME');
  async function* records(): AsyncGenerator<readonly TableRecord[]> {
    const filled = (rows: readonly SheetRow[]) => rows.filter(({ cells }) => cells.some((cell) => cell !== ''));
    yield filled(first.slice(at + 1));
    for await (const rows of sheet) yield filled(rows);
  }
  return tableOf(file, { header: first[at]!.cells, chosen, records: records() });
}
