import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { makeUpBooks, type MadeUpBook } from './made-up-books.ts';

type BookListOptions = {
  readonly rows: number;
  readonly isNdjson: boolean;
  /** How many of the books to return; at most all. */
  readonly sampleSize: number;
};

const linesAtOnce = 500;

/**
 * Writes a file of made-up books for an import, in constant memory.
 * @returns some of them, spread evenly over the file; the last one is the last of the file.
 */
export async function writeBookList(file: string, options: BookListOptions): Promise<readonly MadeUpBook[]> {
  const sample: MadeUpBook[] = [];
  const wanted = Math.min(options.rows, options.sampleSize);
  const wantedUpTo = (id: number): number => Math.floor((id * wanted) / options.rows);
  const lines = writeRows(options, (book, id) => {
    if (wantedUpTo(id) > sample.length) sample.push(book);
  });
  await pipeline(Readable.from(lines), createWriteStream(file));
  return sample;
}

function* writeRows(
  { rows, isNdjson }: BookListOptions,
  onBook: (book: MadeUpBook, id: number) => void,
): Generator<string> {
  let lines = isNdjson ? [] : ['id,title,author,year,description,popularity'];
  let id = 0;
  for (const book of makeUpBooks(rows)) {
    const row = { id: ++id, ...book };
    onBook(book, id);
    lines.push(isNdjson ? JSON.stringify(row) : Object.values(row).join(','));
    if (lines.length < linesAtOnce) continue;
    yield `${lines.join('\n')}\n`;
    lines = [];
  }
  if (lines.length > 0) yield `${lines.join('\n')}\n`;
}
