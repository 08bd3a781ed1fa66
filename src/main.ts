import { Command, CommanderError } from 'commander';
import type { CommandContext, ServiceName } from './commands/command-context.ts';
import { numberUpTo, queryText, wholeNumber } from './commands/option-values.ts';
import type { SimulateOptions } from './commands/simulate.ts';
import { loadConfig } from './config/config.ts';
import { SamsaError } from './errors.ts';

const services = ['all', 'web', 'trend', 'recommendation'] as const satisfies readonly ServiceName[];

const serviceDescriptions: Readonly<Record<ServiceName, string>> = {
  all: 'run the whole shop in one process: web, trend and recommendation',
  web: 'run the bookshop: pages, search, catalogue',
  trend: 'run the service that tells what readers are searching for',
  recommendation: 'run the service that tells what a reader might like next',
};

/**
 * Runs one command line.
 * @returns the exit code: 0 done, 1 failed with a message on standard error, 2 the command line made no sense.
 */
export async function main(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command('samsa')
    .description('The bookshop that listens: every search becomes an event, and events become trends and suggestions.')
    .option('-c, --config <file>', 'a config.yml; without one everything has a default')
    .exitOverride()
    .showHelpAfterError('(samsa --help lists the commands)')
    .allowExcessArguments(false);
  const run = async (command: (context: CommandContext) => Promise<number>): Promise<void> => {
    exitCode = await command(contextOf(program.opts<{ config?: string }>().config));
  };
  for (const name of services) {
    program
      .command(name)
      .description(serviceDescriptions[name])
      .allowExcessArguments(false)
      .action(() => run(async (context) => (await import('./commands/serve.ts')).serveCommand(name, context)));
  }
  program
    .command('import')
    .argument('<file>', 'CSV with a title column, or NDJSON: a JSON object with a title in each line')
    .option('--source <name>', 'where the books come from; the same source and id mean the same book')
    .description('add or update books; the same file again changes nothing')
    .action((file: string, options: { source?: string }) =>
      run(async (context) => (await import('./commands/import.ts')).importCommand(context, { file, ...options })),
    );
  program
    .command('status')
    .option('--json', 'for programs')
    .description('show what every service has read, the ledger, and the stores')
    .action((options: { json?: boolean }) =>
      run(async (context) => (await import('./commands/status.ts')).statusCommand(context, options)),
    );
  program
    .command('topics')
    .option('--json', 'for programs')
    .description('make the topics that are missing, and show how each one is kept')
    .action((options: { json?: boolean }) =>
      run(async (context) => (await import('./commands/topics.ts')).topicsCommand(context, options)),
    );
  program
    .command('rebuild')
    .argument('<what>', 'trend, recommendation or search')
    .option('--check', 'only build and compare, also while the shop runs; the live state stays')
    .description('build a state anew from the event log, compare it with the live one, and put it in its place')
    .action((what: string, options: { check?: boolean }) =>
      run(async (context) => (await import('./commands/rebuild.ts')).rebuildCommand(context, what, options)),
    );
  addDeadLetters(program, run);
  addSimulate(program, run);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    return explain(error);
  }
}

type RunCommand = (command: (context: CommandContext) => Promise<number>) => Promise<void>;

type DecidingOptions = {
  projection?: string;
  cause?: string;
  reason?: string;
  since?: string;
  until?: string;
  all?: boolean;
  dryRun?: boolean;
};

function addDeadLetters(program: Command, run: RunCommand): void {
  const group = program
    .command('dead-letters')
    .description('list, show, redrive or discard events that could not be read');
  const filtered = (name: string, description: string): Command =>
    group
      .command(name)
      .description(description)
      .option('--projection <name>', 'only of trend, recommendation, or a projection by its name')
      .option('--cause <code>', 'only of this cause, as the list shows it')
      .option('--reason <text>', 'only with this text in the reason')
      .option('--since <time>', 'only of records that arrived from then on: 2031-05-04, 2031-05-04T10:00Z, 24h (ago)')
      .option('--until <time>', 'only of records that arrived up to then');
  filtered('list', 'list dead letters')
    .option('--status <status>', 'waiting, redriven, discarded or all', 'waiting')
    .option('--limit <n>', 'at most so many', wholeNumber(1, 100_000), 50)
    .option('--json', 'for programs')
    .action((options: DecidingOptions & { status: string; limit: number; json?: boolean }) =>
      run(async (context) => (await import('./commands/dead-letters.ts')).listDeadLetters(context, options)),
    );
  group
    .command('show')
    .description('show one dead letter with its bytes')
    .argument('<id...>', 'PROJECTION/TOPIC/PARTITION/OFFSET, or these four words')
    .option('--json', 'for programs, with all bytes')
    .action((words: string[], options: { json?: boolean }) =>
      run(async (context) => (await import('./commands/dead-letters.ts')).showDeadLetter(context, words, options)),
    );
  filtered('redrive', 'read dead letters again as they came, each into the projection that failed')
    .argument('[ids...]', 'only these')
    .option('--all', 'every one that waits')
    .option('--dry-run', 'only say what would become of them')
    .option('--rate <n>', 'at most so many a second', numberUpTo(1_000_000))
    .action((ids: string[], options: DecidingOptions & { rate?: number }) =>
      run(async (context) => (await import('./commands/dead-letters.ts')).redriveDeadLetters(context, ids, options)),
    );
  filtered('discard', 'decide that dead letters stay dead')
    .argument('[ids...]', 'only these')
    .option('--all', 'every one that waits')
    .option('--dry-run', 'only say which')
    .action((ids: string[], options: DecidingOptions) =>
      run(async (context) => (await import('./commands/dead-letters.ts')).discardDeadLetters(context, ids, options)),
    );
}

function addSimulate(program: Command, run: RunCommand): void {
  program
    .command('simulate')
    .option('--readers <number>', 'how many are in the shop at the same time', wholeNumber(1, 10_000), 50)
    .option('--rate <number>', 'searches per second', numberUpTo(10_000), 5)
    .option('--duration <seconds>', 'how long; until stopped unless given', numberUpTo(2_000_000))
    .option('--seed <number>', 'the same readers ask the same again', wholeNumber(0, 2 ** 32 - 1))
    .option('--history', 'first put a made-up week into the log of the running shop')
    .option('--burst <query>', 'what everybody asks for in the first minute', queryText)
    .description('send made-up readers to a running shop, so that trends and suggestions come alive')
    .action((options: SimulateOptions) =>
      run(async (context) => (await import('./commands/simulate.ts')).simulateCommand(context, options)),
    );
}

function contextOf(file: string | undefined): CommandContext {
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const warn = (line: string): void => void process.stderr.write(`${line}\n`);
  const { config, notices } = loadConfig({ ...(file !== undefined && { file }), environment: process.env });
  for (const notice of notices) warn(`samsa: ${notice}`);
  return { config, print, warn };
}

function explain(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.code === 'commander.excessArguments') {
      process.stderr.write('npm hands options on only behind two dashes: npm start -- --config config.yml\n');
    }
    return error.exitCode === 0 ? 0 : 2;
  }
  if (!(error instanceof SamsaError)) throw error;
  process.stderr.write(`samsa: ${error.message}\n`);
  return 1;
}
