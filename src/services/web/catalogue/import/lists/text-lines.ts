import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { reason, SamsaError } from '../../../../../errors.ts';

/** A line of a text file, numbered from 1; or why it cannot be read. */
export type TextLine =
  | { readonly line: number; readonly text: string; readonly problem?: undefined }
  | { readonly line: number; readonly problem: string };

export type TextFile = {
  readonly path: string;
  /** The first character that is no white space; empty when none stands near the beginning. */
  readonly firstCharacter: string;
  readonly sizeBytes: number;
  readonly bytesRead: () => number;
  /** Lines in order, some at a time, without their line ends; to be read once. */
  readonly lines: AsyncIterable<readonly TextLine[]>;
};

const lineLimitBytes = 1024 * 1024;
const headBytes = 64 * 1024;
const notUtf8 = 'expected UTF-8 text; convert the file first, e.g. with iconv -f WINDOWS-1252 -t UTF-8';

/**
 * Opens a text file of any size: UTF-8 with or without a byte order mark, UTF-16 with one; lines end in LF, CRLF or,
 * if in nothing else, CR. No more than a line and a block of it are in memory.
 * @throws SamsaError `bad-import-file` when it is no file, is empty, or is not text.
 */
export async function openTextFile(path: string): Promise<TextFile> {
  const { head, sizeBytes } = await readHead(path);
  const encoding = encodingOf(path, head);
  const lineEnd = head.includes(10) || !head.includes(13) ? 10 : 13;
  let bytesRead = 0;
  async function* blocks(): AsyncGenerator<Buffer> {
    const decoder = encoding === 'utf-8' ? null : new TextDecoder(encoding);
    for await (const chunk of createReadStream(path, { highWaterMark: 64 * 1024 }) as AsyncIterable<Buffer>) {
      const first = bytesRead === 0;
      bytesRead += chunk.length;
      if (decoder !== null) yield Buffer.from(decoder.decode(chunk, { stream: true }));
      else yield first && hasUtf8Mark(chunk) ? chunk.subarray(3) : chunk;
    }
  }
  const firstCharacter = new TextDecoder(encoding).decode(head).trimStart().charAt(0);
  return { path, firstCharacter, sizeBytes, bytesRead: () => bytesRead, lines: splitLines(blocks(), lineEnd) };
}

async function readHead(path: string): Promise<{ head: Buffer; sizeBytes: number }> {
  try {
    await using handle = await open(path);
    const stat = await handle.stat();
    if (!stat.isFile()) throw badFile(path, `expected a file, got ${stat.isDirectory() ? 'a folder' : 'a device'}`);
    const head = Buffer.alloc(Math.min(headBytes, stat.size));
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    if (bytesRead === 0) throw badFile(path, 'the file is empty');
    return { head: head.subarray(0, bytesRead), sizeBytes: stat.size };
  } catch (error) {
    if (error instanceof SamsaError) throw error;
    const missing = (error as { code?: unknown }).code === 'ENOENT';
    throw badFile(path, missing ? 'there is no such file' : `cannot be read: ${reason(error)}`, error);
  }
}

function encodingOf(path: string, head: Buffer): 'utf-8' | 'utf-16le' | 'utf-16be' {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  if (head[0] === 0x1f && head[1] === 0x8b) throw badFile(path, 'expected text, got gzip: unpack it first');
  if (head.toString('latin1', 0, 4) === 'PK\u0003\u0004') {
    throw badFile(path, 'expected text, got a zip archive or spreadsheet: unpack it, or save it as CSV');
  }
  if (head.includes(0)) throw badFile(path, 'expected text, got binary data; UTF-16 needs its byte order mark');
  return 'utf-8';
}

function hasUtf8Mark(bytes: Buffer): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

async function* splitLines(blocks: AsyncIterable<Buffer>, lineEnd: number): AsyncGenerator<readonly TextLine[]> {
  let line = 0;
  let rest: Buffer = Buffer.alloc(0);
  let skipping = false;
  for await (const block of blocks) {
    const found: TextLine[] = [];
    let from = 0;
    for (let end = block.indexOf(lineEnd); end >= 0; end = block.indexOf(lineEnd, from)) {
      const bytes = rest.length === 0 ? block.subarray(from, end) : Buffer.concat([rest, block.subarray(from, end)]);
      line++;
      found.push(skipping || bytes.length > lineLimitBytes ? tooLong(line) : decodeLine(line, bytes));
      rest = Buffer.alloc(0);
      skipping = false;
      from = end + 1;
    }
    skipping ||= rest.length + block.length - from > lineLimitBytes;
    rest = skipping ? Buffer.alloc(0) : Buffer.concat([rest, block.subarray(from)]);
    if (found.length > 0) yield found;
  }
  if (skipping) yield [tooLong(line + 1)];
  else if (rest.length > 0) yield [decodeLine(line + 1, rest)];
}

function decodeLine(line: number, bytes: Buffer): TextLine {
  if (!isUtf8(bytes)) return { line, problem: notUtf8 };
  const text = bytes.toString();
  return { line, text: text.endsWith('\r') ? text.slice(0, -1) : text };
}

function tooLong(line: number): TextLine {
  return { line, problem: `longer than ${lineLimitBytes / 1024 / 1024} MiB` };
}

export function badFile(path: string, problem: string, cause?: unknown): SamsaError {
  return new SamsaError('bad-import-file', `${path}: ${problem}.`, { cause });
}
