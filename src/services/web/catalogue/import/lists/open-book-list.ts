import { SamsaError } from '../../../../../errors.ts';
import type { BookList } from './book-list.ts';
import type { ChosenColumns } from './columns.ts';
import { isDump, openDumpBooks } from './dump-books.ts';
import { openJsonBooks } from './json-books.ts';
import { isZip, openListFiles, type ListFile } from './list-file.ts';
import { isOnix, openOnixBooks } from './onix-books.ts';
import { openCsvBooks, openWorkbook } from './table-books.ts';
import { openText } from './text-lines.ts';

/**
 * Opens a file of books: a table in text, JSON, an ONIX message, an Open Library dump, a workbook, or a gzip or zip
 * archive of these. The first bytes decide which, not the name.
 * @param chosen columns that the user has named.
 * @throws SamsaError `bad-import-file`; the message says what the file is instead.
 */
export async function openBookList(path: string, chosen: ChosenColumns = new Map()): Promise<BookList> {
  let problem: unknown;
  for (const file of await openListFiles(path)) {
    try {
      return await openList(file, chosen);
    } catch (error) {
      if (!(error instanceof SamsaError)) throw error;
      problem ??= error;
    }
  }
  throw problem;
}

async function openList(file: ListFile, chosen: ChosenColumns): Promise<BookList> {
  if (isZip(file.head)) return openWorkbook(file, chosen);
  const text = openText(file);
  if (isDump(text)) return openDumpBooks(file, text, chosen);
  if (isOnix(text)) return openOnixBooks(file, text, chosen);
  return /^\s*[[{]/.test(text.firstLines.join('\n'))
    ? openJsonBooks(file, text, chosen)
    : openCsvBooks(file, text, chosen);
}
