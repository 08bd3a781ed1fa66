import { statSync, type Stats } from 'node:fs';

/**
 * Refuses a pipe, a device and a folder before reading, because reading one might never end.
 * @throws Error with what the path is, or why it cannot be read.
 */
export function requireRegularFile(path: string): Stats {
  const found = statSync(path);
  if (found.isFile()) return found;
  const kind = found.isDirectory() ? 'a folder' : found.isFIFO() ? 'a pipe' : 'a device';
  throw new Error(`it is ${kind}, not a file`);
}

/**
 * Changes when another file, even a copy, replaces this one, as long as somebody has the first one open.
 * @returns null when there is no file, or it cannot be reached.
 */
export function fileIdentity(path: string): string | null {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev} ${ino}`;
  } catch {
    return null;
  }
}
