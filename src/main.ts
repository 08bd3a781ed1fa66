import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { Command, CommanderError, Option, InvalidArgumentError } from 'commander';
import { packageVersion, type CommandContext, type ServiceName } from './commands/command-context.ts';
import type { ImportOptions } from './commands/import.ts';
import type { SimulateOptions } from './commands/simulate.ts';
import { loadConfig } from './config/config.ts';
import { reason, SamsaError } from './errors.ts';

const services = ['all', 'web', 'trend', 'recommendation'] as const satisfies readonly ServiceName[];

const serviceDescriptions: Readonly<Record<ServiceName, string>> = {
  all: 'run the whole shop in one process: web, trend and recommendation',
  web: 'run the bookshop: pages, search, catalogue',
  trend: 'run the service that shows what readers are searching for',
  recommendation: 'run the service that suggests what a reader might like next',
};

/**
 * Runs one command line.
 * @returns the exit code: 0 done, 1 failed with a message on standard error, 2 the command line was wrong.
 */
export async function main(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  let isService = false;
  const output = watchOutput();
  const program = new Command('samsa')
    .description('The bookshop that listens: every search becomes an event, and events become trends and suggestions.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .option('-c, --config <file>', 'a config.yml; without one, every setting has its default')
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
      .action(() => {
        isService = true;
        return run(async (context) => (await import('./commands/serve.ts')).serveCommand(name, context));
      });
  }
  program
    .command('import')
    .argument(
      '<file>',
      'a table (CSV, TSV, .xlsx) or JSON of books, an ONIX message, also in gzip or zip; an Open Library dump',
    )
    .option('--source <name>', 'where the books come from; the same source and id mean the same book')
    .option('--columns <pairs>', 'which column to read for which field, as title=Name,author=Writer')
    .option('--check', 'read everything and say what would happen; change nothing')
    .option('--report <file>', 'write all skipped rows, conflicts and unreadable values to a CSV file')
    .option('--trust-isbn', 'a row with the ISBN of a book is that book, whatever its title')
    .option('--keep-demo', 'keep the demo books')
    .description('add or update books; the same file again changes nothing')
    .action((file: string, options: Omit<ImportOptions, 'file'>) =>
      run(async (context) => (await import('./commands/import.ts')).importCommand(context, { file, ...options })),
    );
  program
    .command('export')
    .addOption(new Option('--format <format>', 'csv or ndjson').choices(['csv', 'ndjson']).default('csv'))
    .description('write the whole catalogue to the output, in a form that samsa import takes')
    .action((options: { format: 'csv' | 'ndjson' }) =>
      run(async (context) => (await import('./commands/export.ts')).exportCommand(context, options)),
    );
  program
    .command('demo')
    .description('the books that a new shop opens with')
    .command('remove')
    .description('remove the demo books that nobody has edited and no import has replaced')
    .action(() => run(async (context) => (await import('./commands/demo.ts')).removeDemoCommand(context)));
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
    .description('create the topics that are missing, and show how each one is kept')
    .action((options: { json?: boolean }) =>
      run(async (context) => (await import('./commands/topics.ts')).topicsCommand(context, options)),
    );
  program
    .command('rebuild')
    .argument('<what>', 'trend, recommendation or search')
    .option('--check', 'only build and compare; the live state stays, and the shop may run meanwhile')
    .description('rebuild a state from the event log, compare it with the live one, and replace that')
    .action((what: string, options: { check?: boolean }) =>
      run(async (context) => (await import('./commands/rebuild.ts')).rebuildCommand(context, what, options)),
    );
  program
    .command('move')
    .requiredOption('--to <file>', 'the config.yml of the new shop: other data folder, Kafka, database')
    .option('--dry-run', 'only look at both shops')
    .description('move a stopped shop from its data folder to Kafka and a database; docs/moving.md')
    .action(({ to, ...options }: { to: string; dryRun?: boolean }) =>
      run(async (context) => {
        const { moveCommand } = await import('./commands/move.ts');
        return moveCommand(context, loadConfig({ file: to, environment: {} }).config, options);
      }),
    );
  addDeadLetters(program, run);
  addSpool(program, run);
  addSimulate(program, run);
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    exitCode = output.isLost(error) ? 1 : explain(error);
  }
  // Node reports that the last lines could not be written in a later turn of the event loop.
  await eventLoopTurn();
  return exitCode === 0 && !isService && output.isLost() ? 1 : exitCode;
}

/** An output that is closed or on a full disk must not end a service, and is no bug of a command. */
function watchOutput(): { readonly isLost: (by?: unknown) => boolean } {
  let lostBy: unknown = null;
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // The program that reads the output wants no more of it.
    if (error.code === 'EPIPE' || lostBy !== null) return;
    lostBy = error;
    process.stderr.write(`samsa: the output cannot be written: ${reason(error)}\n`);
  });
  return { isLost: (by = lostBy) => lostBy !== null && by === lostBy };
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
      .option(
        '--projection <name>',
        'only those of trend, recommendation, spool (refused by the brokers), or a projection by its name',
      )
      .option('--cause <code>', 'only those with this cause, as the list shows it')
      .option('--reason <text>', 'only those with this text in the reason')
      .option(
        '--since <time>',
        'only records that arrived at this time or later: 2031-05-04, 2031-05-04T10:00Z, 24h (ago)',
      )
      .option('--until <time>', 'only records that arrived at this time or earlier');
  filtered('list', 'list dead letters')
    .option('--status <status>', 'waiting, redriven, discarded or all', 'waiting')
    .option('--limit <n>', 'show at most this many', wholeNumber(1, 100_000), 50)
    .option('--json', 'for programs')
    .action((options: DecidingOptions & { status: string; limit: number; json?: boolean }) =>
      run(async (context) => (await import('./commands/dead-letters.ts')).listDeadLetters(context, options)),
    );
  group
    .command('show')
    .description('show one dead letter with its bytes')
    .argument('<id...>', 'PROJECTION/TOPIC/PARTITION/OFFSET, or these four as separate words')
    .option('--json', 'for programs, with all bytes')
    .action((words: string[], options: { json?: boolean }) =>
      run(async (context) => (await import('./commands/dead-letters.ts')).showDeadLetter(context, words, options)),
    );
  filtered('redrive', 'read dead letters again, each into the projection that failed')
    .argument('[ids...]', 'only these')
    .option('--all', 'all that wait for a decision')
    .option('--dry-run', 'only print what would happen to each')
    .option('--rate <n>', 'at most this many a second', numberUpTo(1_000_000))
    .action((ids: string[], options: DecidingOptions & { rate?: number }) =>
      run(async (context) => (await import('./commands/dead-letters.ts')).redriveDeadLetters(context, ids, options)),
    );
  filtered('discard', 'decide that dead letters are never counted')
    .argument('[ids...]', 'only these')
    .option('--all', 'all that wait for a decision')
    .option('--dry-run', 'only print which')
    .action((ids: string[], options: DecidingOptions) =>
      run(async (context) => (await import('./commands/dead-letters.ts')).discardDeadLetters(context, ids, options)),
    );
}

function addSpool(program: Command, run: RunCommand): void {
  const group = program.command('spool').description('list, show, send or discard events that the brokers refused');
  group
    .command('list')
    .description('list them')
    .option('--json', 'for programs')
    .action((options: { json?: boolean }) =>
      run(async (context) => (await import('./commands/spool.ts')).listSpool(context, options)),
    );
  group
    .command('show')
    .description('show one with its bytes')
    .argument('<id>', 'as the list shows it')
    .action((id: string) => run(async (context) => (await import('./commands/spool.ts')).showSpool(context, id)));
  const deciding = (name: string, description: string): Command =>
    group
      .command(name)
      .description(description)
      .argument('[ids...]', 'only these')
      .option('--all', 'all of them')
      .option('--dry-run', 'only print which');
  deciding('send', 'send them again, once the brokers accept them').action(
    (ids: string[], options: { all?: boolean; dryRun?: boolean }) =>
      run(async (context) => (await import('./commands/spool.ts')).sendSpool(context, ids, options)),
  );
  deciding('discard', 'decide that they are never sent').action(
    (ids: string[], options: { all?: boolean; dryRun?: boolean }) =>
      run(async (context) => (await import('./commands/spool.ts')).discardSpool(context, ids, options)),
  );
}

function addSimulate(program: Command, run: RunCommand): void {
  program
    .command('simulate')
    .option('--readers <number>', 'how many readers are in the shop at the same time', wholeNumber(1, 10_000), 50)
    .option('--rate <number>', 'searches per second', numberUpTo(10_000), 5)
    .option('--duration <seconds>', 'how long; without it, until stopped', numberUpTo(2_000_000))
    .option('--seed <number>', 'the same seed repeats the same readers and searches', wholeNumber(0, 2 ** 32 - 1))
    .option('--history', 'first append a made-up week of searches to the log of the running shop')
    .option('--burst <query>', 'a query that every reader searches for in the first minute', queryText)
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
    if (error.code === 'commander.excessArguments' && process.env['npm_lifecycle_event'] === 'start') {
      process.stderr.write('npm passes options on only after two dashes: npm start -- --config config.yml\n');
    }
    return error.exitCode === 0 ? 0 : 2;
  }
  if (!(error instanceof SamsaError)) throw error;
  process.stderr.write(`samsa: ${error.message}\n`);
  return 1;
}

/**
 * Reads the value of an option. @throws InvalidArgumentError, to which the command line adds the option and what came.
 */
type ReadOption<Value> = (text: string) => Value;

export function wholeNumber(least: number, most: number): ReadOption<number> {
  return (text) => {
    const number = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw refusal(`a whole number from ${least} to ${most}`);
  };
}

export function numberUpTo(most: number): ReadOption<number> {
  return (text) => {
    const number = /^\d{1,12}(?:\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
    if (number > 0 && number <= most) return number;
    throw refusal(`a number above 0 and up to ${most}`);
  };
}

/** What can be typed into the search field: see `longestQuery`, which this file does not load at every start. */
function queryText(text: string): string {
  const query = text.trim();
  if (query !== '' && query.length <= 200) return query;
  throw refusal('1 to 200 characters');
}

function refusal(expected: string): InvalidArgumentError {
  return new InvalidArgumentError(`Expected ${expected}: give that, or leave the option out.`);
}
