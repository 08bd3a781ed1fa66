import { cutTo } from '../../book-fields.ts';
import type { BookList, ListedRow } from './book-list.ts';
import { parseLine, readRecords, type CsvRecord } from './csv-records.ts';
import { findColumns, type FoundColumns } from './listed-columns.ts';
import { readListedRow } from './listed-row.ts';
import { badFile, type TextFile, type TextLine } from './text-lines.ts';

/**
 * Reads a CSV file of books: comma, semicolon or tab between cells, a header in the first line, columns by any of
 * their names (`listed-columns.ts`) in any order. Only a title is needed.
 * @throws SamsaError `bad-import-file` when it has no column for titles.
 */
export async function openCsvBooks(file: TextFile): Promise<BookList> {
  const { path } = file;
  const blocks = file.lines[Symbol.asyncIterator]();
  const { header, rest } = await readHeader(path, blocks);
  const { delimiter, cells } = mostLikelyCells(header);
  const columns = findColumns(cells);
  if (!columns.at.has('title')) {
    await blocks.return?.();
    throw badFile(
      path,
      `expected a CSV file with a column "title" in its first line, or NDJSON with an object in each, got ${JSON.stringify(cutTo(header, 120))}`,
    );
  }
  async function* lines(): AsyncGenerator<readonly TextLine[]> {
    yield rest;
    yield* { [Symbol.asyncIterator]: () => blocks };
  }
  return {
    sizeBytes: file.sizeBytes,
    bytesRead: file.bytesRead,
    unusedColumns: () => columns.unused,
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
  { at }: FoundColumns,
): AsyncGenerator<readonly ListedRow[]> {
  for await (const some of records) {
    yield some.map((record) => {
      if (record.problem !== undefined) return record;
      return readListedRow(record.line, (column) => {
        const index = at.get(column);
        return index === undefined ? undefined : record.cells[index];
      });
    });
  }
}
