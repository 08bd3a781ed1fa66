import { readFile } from 'node:fs/promises';
import type { ProcessUse } from './measure-process.ts';

/** How to start a Node program so that it writes its `ProcessUse` into a file when it ends. */
export function measuredInto(file: string) {
  return {
    args: ['--import', new URL('./measure-process.ts', import.meta.url).href],
    environment: { BENCH_USE_FILE: file },
  };
}

/** @throws Error when no measured program has ended yet. */
export async function readProcessUse(file: string): Promise<ProcessUse> {
  return JSON.parse(await readFile(file, 'utf8'));
}
