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
