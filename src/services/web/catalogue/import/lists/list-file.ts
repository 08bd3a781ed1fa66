import { createReadStream, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createGunzip } from 'node:zlib';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { reason, SamsaError } from '../../../../../errors.ts';

/** A file that holds a list, unpacked. It may be read several times, each time from the start. */
export type ListFile = {
  readonly path: string;
  readonly sizeBytes: number;
  /** How many bytes of the file on disk the latest `blocks` has read. */
  readonly bytesRead: () => number;
  /** The first 64 KiB, unpacked. */
  readonly head: Buffer;
  /** @throws SamsaError `bad-import-file` when the archive is damaged or the file changes meanwhile. */
  readonly blocks: () => AsyncIterable<Buffer>;
};

const headBytes = 64 * 1024;
/** A guard against zip bombs: text shrinks to about a hundredth of its size at best. */
const mostExpansion = 500;
const mayExpandBytes = 64 << 20;

export function badFile(path: string, problem: string, cause?: unknown): SamsaError {
  return new SamsaError('bad-import-file', `${path}: ${problem}.`, { cause });
}

/**
 * Opens a file, or every file in a zip archive, the largest first. The first bytes decide what a file is, not its name.
 * @throws SamsaError `bad-import-file` when it is missing, empty, not a file, or a damaged archive.
 */
export async function openListFiles(path: string): Promise<readonly ListFile[]> {
  const before = await statFile(path);
  const plain = await openFile(path, before.size, readPlain(path, before));
  if (plain.head.toString('latin1', 0, 4) === 'PK\u0005\u0006') throw badFile(path, 'the archive is empty');
  // An OpenDocument file begins with its type, which is not compressed.
  if (isZip(plain.head) && plain.head.toString('latin1', 30, 70).startsWith('mimetypeapplication/vnd.oasis'))
    throw badFile(path, 'expected a list of books, got an OpenDocument file: save it as .xlsx or CSV');
  if (isZip(plain.head) && !(await isSpreadsheet(path))) return openZipped(path, before);
  if (plain.head[0] !== 0x1f || plain.head[1] !== 0x8b) return [plain];
  const unpacked = (onRead: (bytes: number) => void): AsyncIterable<Buffer> =>
    unpack(path, readPlain(path, before)(onRead));
  return [await openFile(path, before.size, unpacked)];
}

export function isZip(head: Buffer): boolean {
  return head.toString('latin1', 0, 4) === 'PK\u0003\u0004';
}

type Read = (onRead: (bytes: number) => void) => AsyncIterable<Buffer>;

async function openFile(path: string, sizeBytes: number, read: Read): Promise<ListFile> {
  let bytes = 0;
  const blocks = (): AsyncIterable<Buffer> => {
    bytes = 0;
    return read((more) => (bytes += more));
  };
  const head = await readHead(blocks());
  if (head.length === 0) throw badFile(path, 'the file is empty');
  return { path, sizeBytes, bytesRead: () => bytes, head, blocks };
}

async function readHead(blocks: AsyncIterable<Buffer>): Promise<Buffer> {
  const head: Buffer[] = [];
  let bytes = 0;
  for await (const block of blocks) {
    head.push(block);
    bytes += block.length;
    if (bytes >= headBytes) break;
  }
  return Buffer.concat(head).subarray(0, headBytes);
}

async function statFile(path: string): Promise<Stats> {
  try {
    const found = await stat(path);
    if (!found.isFile())
      throw badFile(path, `expected a file, got ${found.isDirectory() ? 'a folder' : 'a device or a pipe'}`);
    return found;
  } catch (error) {
    if (error instanceof SamsaError) throw error;
    const missing = (error as { code?: unknown }).code === 'ENOENT';
    throw badFile(path, missing ? 'there is no such file' : `cannot be read: ${reason(error)}`, error);
  }
}

/** Reads no more than was there at the start. Otherwise a growing file would never end. */
function readPlain(path: string, before: Stats): Read {
  return async function* (onRead) {
    if (before.size === 0) return;
    try {
      const stream = createReadStream(path, { highWaterMark: headBytes, end: before.size - 1 });
      for await (const block of stream as AsyncIterable<Buffer>) {
        onRead(block.length);
        yield block;
      }
    } catch (error) {
      throw badFile(path, `cannot be read: ${reason(error)}`, error);
    }
    await checkUnchanged(path, before);
  };
}

async function checkUnchanged(path: string, before: Stats): Promise<void> {
  const after = await statFile(path);
  if (after.size === before.size && after.mtimeMs === before.mtimeMs && after.ino === before.ino) return;
  throw badFile(path, 'the file changed while it was read: import it again when it is complete');
}

async function* unpack(path: string, packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let [packedBytes, bytes] = [0, 0];
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const block of packed) {
      packedBytes += block.length;
      yield block;
    }
  };
  const gunzip = createGunzip();
  // The loop below throws its errors, too.
  pipeline(Readable.from(counted(), { objectMode: false }), gunzip).catch(() => {});
  try {
    for await (const block of gunzip as AsyncIterable<Buffer>) {
      bytes += block.length;
      checkExpansion(path, bytes, packedBytes);
      yield block;
    }
  } catch (error) {
    throw error instanceof SamsaError ? error : damaged(path, error);
  }
}

/** @throws SamsaError `bad-import-file` when an archive expands to far more than text does. */
export function checkExpansion(path: string, bytes: number, packedBytes: number): void {
  if (bytes <= mayExpandBytes || bytes <= mostExpansion * packedBytes) return;
  throw badFile(path, `the archive expands to more than ${mostExpansion} times its size`);
}

async function openZip(path: string): Promise<ZipFile> {
  try {
    return await openPromise(path, { autoClose: false, lazyEntries: true });
  } catch (error) {
    throw damaged(path, error);
  }
}

function damaged(path: string, error: unknown): SamsaError {
  return badFile(path, `the archive is damaged: ${reason(error).replace(/\.+$/, '')}`, error);
}

async function readEntries(path: string, zip: ZipFile): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  try {
    for await (const entry of zip.eachEntry()) {
      if (entries.push(entry) > mostEntries)
        throw badFile(path, `expected at most ${mostEntries} files in the archive`);
    }
    return entries;
  } catch (error) {
    throw error instanceof SamsaError ? error : damaged(path, error);
  }
}

const mostEntries = 1_000;

/** Whether a zip archive is a workbook (ECMA-376). */
async function isSpreadsheet(path: string): Promise<boolean> {
  const zip = await openZip(path);
  try {
    return (await readEntries(path, zip)).some(({ fileName }) => fileName === 'xl/workbook.xml');
  } finally {
    zip.close();
  }
}

async function openZipped(path: string, before: Stats): Promise<readonly ListFile[]> {
  const zip = await openZip(path);
  const entries = await readEntries(path, zip).finally(() => zip.close());
  const lists = entries
    .filter(({ fileName }) => !/\/$|(?:^|\/)(?:\.|__MACOSX\/)/.test(fileName))
    .toSorted((one, other) => other.uncompressedSize - one.uncompressedSize);
  if (lists.length === 0) throw badFile(path, 'expected a list of books in the archive, got no file');
  const files: ListFile[] = [];
  for (const { fileName, compressedSize } of lists.slice(0, mostLists)) {
    const read = readZipped(path, fileName, before);
    const file = await openFile(`${path}/${fileName}`, compressedSize, read).catch(notEmpty);
    if (file !== null) files.push(file);
  }
  return files;
}

/** How many files of an archive are opened. */
const mostLists = 20;

function notEmpty(error: unknown): null {
  if (error instanceof SamsaError && error.message.endsWith('the file is empty.')) return null;
  throw error;
}

function readZipped(path: string, name: string, before: Stats): Read {
  return async function* (onRead) {
    const zip = await openZip(path);
    try {
      const entry = (await readEntries(path, zip)).find(({ fileName }) => fileName === name)!;
      if (entry.isEncrypted()) throw badFile(path, 'the archive is encrypted: unpack it first');
      const ratio = entry.compressedSize / Math.max(1, entry.uncompressedSize);
      let [bytes, checksum] = [0, 0];
      for await (const block of (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>) {
        bytes += block.length;
        checksum = crc32(block, checksum);
        onRead(block.length * ratio);
        checkExpansion(path, bytes, entry.compressedSize);
        yield block;
      }
      if (checksum !== entry.crc32) throw badFile(path, 'the archive is damaged: a checksum differs');
    } catch (error) {
      throw error instanceof SamsaError ? error : damaged(path, error);
    } finally {
      zip.close();
    }
    await checkUnchanged(path, before);
  };
}
