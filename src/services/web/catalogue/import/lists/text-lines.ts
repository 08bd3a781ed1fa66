import { isUtf8 } from 'node:buffer';
import { badFile, type ListFile } from './list-file.ts';

/** A line of a text file, numbered from 1, or the reason why it cannot be read. */
export type TextLine =
  | { readonly line: number; readonly text: string; readonly problem?: undefined }
  | { readonly line: number; readonly problem: string };

export type TextFile = {
  /** The first lines, as far as they are in the first 64 KiB. */
  readonly firstLines: readonly string[];
  /** Bytes in UTF-8, or in the code page that `decode` knows. */
  readonly blocks: () => AsyncIterable<Buffer>;
  /** Lines in order, some at a time, without their line ends. */
  readonly lines: () => AsyncIterable<readonly TextLine[]>;
  readonly decode: Decode;
  /** Whether bytes were decoded as Windows-1252, since they are not UTF-8. */
  readonly isTakenForWindows1252: () => boolean;
};

/** The text of some bytes; `null` when they are not in the encoding of the file. */
export type Decode = (bytes: Buffer) => string | null;

/** Long enough for an answer of a web service in one line. */
const lineLimitBytes = 8 << 20;
const windows1252 = new TextDecoder('windows-1252');

/**
 * Reads a text file of any size in UTF-8, UTF-16 or Windows-1252. Lines end in LF or CRLF; in CR if the file has no
 * other line ends. Only one line and one block are in memory at a time.
 * @throws SamsaError `bad-import-file` when it is not text.
 */
export function openText(file: ListFile): TextFile {
  const encoding = encodingOf(file);
  const { decode, isTakenForWindows1252 } = createDecode();
  const lineEnd = lineEndOf(file.head, encoding);
  const blocks = (): AsyncIterable<Buffer> => toBytes(file.blocks(), encoding);
  const head = new TextDecoder(encoding === 'utf-8' && !isUtf8(trimCut(file.head)) ? 'windows-1252' : encoding);
  return {
    firstLines: head
      .decode(file.head)
      .split(/\r\n|\n|\r/)
      .slice(0, 100),
    blocks,
    decode,
    isTakenForWindows1252,
    lines: () => splitLines(blocks(), lineEnd, decode),
  };
}

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

function encodingOf({ path, head }: ListFile): Encoding {
  if (/^(?:\xff\xfe\0\0|\0\0\xfe\xff)/.test(head.toString('latin1', 0, 4)))
    throw badFile(path, 'expected text in UTF-8, UTF-16 or Windows-1252, got UTF-32');
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  if (!head.includes(0)) return 'utf-8';
  const zeros = [0, 0];
  for (const [at, byte] of head.subarray(0, 2_000).entries()) if (byte === 0) zeros[at % 2]!++;
  const most = Math.min(head.length, 2_000) / 4;
  if (zeros[1]! > most && zeros[0] === 0) return 'utf-16le';
  if (zeros[0]! > most && zeros[1] === 0) return 'utf-16be';
  throw badFile(path, 'expected text, a gzip or zip archive or a spreadsheet (.xlsx), got other binary data');
}

function lineEndOf(head: Buffer, encoding: Encoding): number {
  const text = encoding === 'utf-8' ? head : Buffer.from(new TextDecoder(encoding).decode(head));
  return text.includes(10) || !text.includes(13) ? 10 : 13;
}

async function* toBytes(blocks: AsyncIterable<Buffer>, encoding: Encoding): AsyncGenerator<Buffer> {
  const decoder = encoding === 'utf-8' ? null : new TextDecoder(encoding);
  let isFirst = true;
  for await (const block of blocks) {
    if (decoder !== null) yield Buffer.from(decoder.decode(block, { stream: true }));
    else yield isFirst && hasUtf8Mark(block) ? block.subarray(3) : block;
    isFirst = false;
  }
}

function hasUtf8Mark(bytes: Buffer): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

/** The block without its last character, if the end of the block cuts it. */
function trimCut(head: Buffer): Buffer {
  let end = head.length;
  for (let at = 1; at <= 3 && at <= head.length; at++) {
    if ((head[head.length - at]! & 0xc0) === 0xc0) end = head.length - at;
  }
  return head.subarray(0, end);
}

/** Decodes UTF-8 or Windows-1252. The first bytes that are not ASCII decide which. */
function createDecode(): Pick<TextFile, 'decode' | 'isTakenForWindows1252'> {
  let isUtf8File: boolean | null = null;
  const decode: Decode = (bytes) => {
    if (isUtf8File !== false) {
      if (isUtf8(bytes)) {
        const text = bytes.toString();
        isUtf8File ??= text.length < bytes.length ? true : null;
        return text;
      }
      if (isUtf8File === true) return null;
      isUtf8File = false;
    }
    return windows1252.decode(bytes);
  };
  return { decode, isTakenForWindows1252: () => isUtf8File === false };
}

async function* splitLines(
  blocks: AsyncIterable<Buffer>,
  lineEnd: number,
  decode: Decode,
): AsyncGenerator<readonly TextLine[]> {
  let line = 0;
  let rest: Buffer[] = [];
  let restBytes = 0;
  let skipping = false;
  const take = (last: Buffer): TextLine => {
    const bytes = rest.length === 0 ? last : Buffer.concat([...rest, last]);
    const taken = skipping || bytes.length > lineLimitBytes ? tooLong(line) : decodeLine(line, bytes, decode);
    [rest, restBytes, skipping] = [[], 0, false];
    return taken;
  };
  for await (const block of blocks) {
    const found: TextLine[] = [];
    let from = 0;
    for (let end = block.indexOf(lineEnd); end >= 0; end = block.indexOf(lineEnd, from)) {
      line++;
      found.push(take(block.subarray(from, end)));
      from = end + 1;
    }
    restBytes += block.length - from;
    skipping ||= restBytes > lineLimitBytes;
    if (skipping) rest = [];
    else if (from < block.length) rest.push(block.subarray(from));
    if (found.length > 0) yield found;
  }
  line++;
  if (skipping || restBytes > 0) yield [take(Buffer.alloc(0))];
}

function decodeLine(line: number, bytes: Buffer, decode: Decode): TextLine {
  const text = decode(bytes);
  if (text === null) return { line, problem: 'expected UTF-8, as in the lines before it' };
  return { line, text: text.endsWith('\r') ? text.slice(0, -1) : text };
}

function tooLong(line: number): TextLine {
  return { line, problem: `longer than ${lineLimitBytes / 1024 / 1024} MiB` };
}
