import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ListedRow } from '../../src/services/web/catalogue/import/lists/book-list.ts';
import type { ChosenColumns } from '../../src/services/web/catalogue/import/lists/columns.ts';
import { openBookList } from '../../src/services/web/catalogue/import/lists/open-book-list.ts';
import { makeTemporaryFolder } from './temporary-folder.ts';

/** All rows of a file with this content, and what was not used. */
export async function readBookList(
  name: string,
  content: string | Uint8Array,
  chosen?: ChosenColumns,
): Promise<{
  readonly rows: readonly ListedRow[];
  readonly unused: readonly string[];
  readonly otherLists: readonly string[];
  readonly isTakenForWindows1252: boolean;
}> {
  const folder = makeTemporaryFolder();
  const path = join(folder, name);
  await writeFile(path, content);
  const list = await openBookList(path, chosen);
  const rows: ListedRow[] = [];
  for await (const some of list.rows) rows.push(...some);
  assert.equal(list.bytesRead(), list.sizeBytes);
  const { otherLists } = list;
  return { rows, unused: list.unusedColumns(), otherLists, isTakenForWindows1252: list.isTakenForWindows1252() };
}

/** Each row as `line: title`, or `line: problem`. */
export function titlesIn(rows: readonly ListedRow[]): readonly string[] {
  return rows.map((row) => `${row.line}: ${row.problem ?? row.book.fields.title}`);
}

/** The only row, with its fields in one object. */
export function onlyBook(rows: readonly ListedRow[]) {
  const [row, ...more] = rows;
  assert.equal(more.length, 0);
  assert.ok(row !== undefined && row.problem === undefined);
  return { ...row.book.fields, sourceId: row.book.sourceId, unread: row.unread.map(({ field }) => field) };
}
