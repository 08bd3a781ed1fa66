import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';

/** What every command is given beside its own options. */
export type CommandContext = {
  readonly config: Config;
  /** A line for people, on standard output. */
  readonly print: (line: string) => void;
  /** A line about trouble or progress, on standard error. */
  readonly warn: (line: string) => void;
};

/** What `samsa <service>` runs. */
export type ServiceName = 'all' | 'web' | 'trend' | 'recommendation';

/** As in package.json. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}

/** Where progress is written: on a terminal one line that is overwritten, else a new line every few seconds. */
export type ProgressOutput = { readonly isTTY?: boolean; readonly write: (text: string) => unknown };

export type ProgressLine = { readonly show: (text: string) => void; readonly end: () => void };

export function createProgressLine(output: ProgressOutput): ProgressLine {
  const isTTY = output.isTTY === true;
  const everyMs = isTTY ? 100 : 3_000;
  let shownMs = performance.now();
  let isOpen = false;
  return {
    show: (text) => {
      if (performance.now() - shownMs < everyMs) return;
      shownMs = performance.now();
      output.write(isTTY ? `\r\u001B[2K${text}` : `${text}\n`);
      isOpen = isTTY;
    },
    end: () => {
      if (isOpen) output.write('\r\u001B[2K');
      isOpen = false;
    },
  };
}

/** `12 s left`, `3 min left`. */
export function timeLeft(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s left` : `${Math.ceil(seconds / 60)} min left`;
}

export function count(number: number): string {
  return Math.round(number).toLocaleString('en-US');
}
