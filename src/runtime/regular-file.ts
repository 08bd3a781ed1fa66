import { statSync, type Stats } from 'node:fs';

/**
 * Refuses a pipe, a device and a folder before it is read: reading might never end.
 * @throws Error with what the path is, or why it cannot be read.
 */
export function requireRegularFile(path: string): Stats {
  const found = statSync(path);
  if (found.isFile()) return found;
  const kind = found.isDirectory() ? 'a folder' : found.isFIFO() ? 'a pipe' : 'a device';
  throw new Error(`it is ${kind}, not a file`);
}
