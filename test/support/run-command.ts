import type { Config } from '../../src/config/config.ts';
import type { CommandContext } from '../../src/commands/command-context.ts';

export type Said = { readonly code: number; readonly out: string; readonly err: string };

/** Runs a command of `samsa` in this process, and keeps its exit code and the lines that it prints. */
export async function runCommand(config: Config, command: (context: CommandContext) => Promise<number>): Promise<Said> {
  const said = { out: '', err: '' };
  const print = (line: string): void => void (said.out += `${line}\n`);
  const warn = (line: string): void => void (said.err += `${line}\n`);
  return { code: await command({ config, print, warn }), ...said };
}
