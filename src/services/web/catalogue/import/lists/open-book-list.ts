import { SamsaError } from '../../../../../errors.ts';
import type { BookList, FoundList } from './book-list.ts';
import type { ChosenColumns } from './columns.ts';
import { isDump, openDumpBooks } from './dump-books.ts';
import { openJsonBooks } from './json-books.ts';
import { isZip, openListFiles, type ListFile } from './list-file.ts';
import { isOnix, openOnixBooks } from './onix-books.ts';
import { openCsvBooks, openWorkbook } from './table-books.ts';
import { openText, type TextFile } from './text-lines.ts';

/**
 * Opens a file of books: a table in text, JSON, an ONIX message, an Open Library dump, a workbook, or a gzip or zip
 * archive of these. The first bytes decide which, not the name.
 * @param chosen columns that the user has named.
 * @throws SamsaError `bad-import-file`; the message says what the file is instead.
 */
export async function openBookList(path: string, chosen: ChosenColumns = new Map()): Promise<FoundList> {
  let problem: unknown;
  const files = await openListFiles(path);
  for (const [at, file] of files.entries()) {
    try {
      const list = await openList(file, chosen);
      return { ...list, otherLists: await listsAmong(path, files.slice(at + 1)) };
    } catch (error) {
      if (!(error instanceof SamsaError)) throw error;
      problem ??= error;
    }
  }
  throw problem;
}

async function openList(file: ListFile, chosen: ChosenColumns): Promise<Omit<FoundList, 'otherLists'>> {
  if (isZip(file.head)) return { ...(await openWorkbook(file, chosen)), isTakenForWindows1252: () => false };
  const text = openText(file);
  return { ...openTextList(file, text, chosen), isTakenForWindows1252: text.isTakenForWindows1252 };
}

function openTextList(file: ListFile, text: TextFile, chosen: ChosenColumns): BookList {
  if (isDump(text)) return openDumpBooks(file, text, chosen);
  if (isOnix(text)) return openOnixBooks(file, text, chosen);
  return /^\s*[[{]/.test(text.firstLines.join('\n'))
    ? openJsonBooks(file, text, chosen)
    : openCsvBooks(file, text, chosen);
}

/** The names of the files that are lists, too. */
async function listsAmong(archive: string, files: readonly ListFile[]): Promise<readonly string[]> {
  const names: string[] = [];
  for (const file of files) {
    const isList = await openList(file, new Map()).then(
      () => true,
      () => false,
    );
    if (isList) names.push(file.path.slice(archive.length + 1));
  }
  return names;
}
