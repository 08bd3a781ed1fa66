import type { BookList } from './book-list.ts';
import { openCsvBooks } from './csv-books.ts';
import { openNdjsonBooks } from './ndjson-books.ts';
import { openTextFile } from './text-lines.ts';

/**
 * Opens a file of books. What it is shows in its first character, not in its name: `{` begins NDJSON, else it is CSV.
 * @throws SamsaError `bad-import-file` saying what it is instead.
 */
export async function openBookList(path: string): Promise<BookList> {
  const file = await openTextFile(path);
  return file.firstCharacter === '{' ? openNdjsonBooks(file) : openCsvBooks(file);
}
