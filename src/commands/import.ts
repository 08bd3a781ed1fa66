import { randomUUID } from 'node:crypto';
import { basename, extname } from 'node:path';
import { pino } from 'pino';
import { openDataFolder } from '../runtime/data-folder.ts';
import { SamsaError } from '../errors.ts';
import { openLog } from '../log/open-log.ts';
import type { CommandContext } from './command-context.ts';
import { openCatalogue } from '../services/web/catalogue/store/open-catalogue.ts';
import {
  openImport,
  openRelay,
  type ImportProgress,
  type ImportSummary,
  type OpenImport,
  type OutboxRelay,
} from '../services/web/catalogue/import/open-import.ts';
import { count, createProgressLine, timeLeft, type ProgressLine, type ProgressOutput } from './import/progress-line.ts';
import { refuseLostCatalogue } from './import/refuse-lost-catalogue.ts';
import { catalogueLocation, logLocation } from './state/shop-places.ts';

export type ImportOptions = {
  readonly file: string;
  /** Where the books come from; the file's name without its ending unless given. */
  readonly source?: string;
};

const drainWithinMs = 30_000;
const busyTimeoutMs = 1_000;
/** Without a shop that runs nobody else checkpoints; an import may wait for it where a reader must not. */
const checkpointBytes = 32 << 20;

/**
 * Adds or updates the books of a file, in a shop that runs or one that does not; the same file again changes nothing.
 * @returns the exit code: 0 when the file was read, also if some of its rows were skipped; 1 if all were, or it failed.
 */
export async function importCommand(
  { config, print, warn }: CommandContext,
  { file, source = basename(file, extname(file)) }: ImportOptions,
  output: ProgressOutput = process.stderr,
): Promise<number> {
  try {
    checkSource(source);
    const list = await openImport(file);
    const summary = await runImport({ config, warn }, list, source, createProgressLine(output));
    for (const line of describe(summary, list.unusedColumns())) warn(line);
    print(summaryLine(summary));
    if (summary.undelivered !== null) warn(`samsa: ${summary.undelivered}`);
    return summary.rows > 0 && summary.skipped === summary.rows ? 1 : 0;
  } catch (error) {
    if (!(error instanceof SamsaError)) throw error;
    warn(`samsa: ${error.message}`);
    if (error.retryable) warn('samsa: what was imported so far is kept; import again to go on');
    return 1;
  }
}

type FinishedImport = ImportSummary & {
  readonly tookMs: number;
  /** Why changes have not reached the log yet. */
  readonly undelivered: string | null;
};

async function runImport(
  { config, warn }: Pick<CommandContext, 'config' | 'warn'>,
  list: OpenImport,
  source: string,
  progress: ProgressLine,
): Promise<FinishedImport> {
  openDataFolder(config.data);
  const location = logLocation(config);
  const clock = Date.now;
  await using stack = new AsyncDisposableStack();
  stack.defer(progress.end);
  const place = catalogueLocation(config);
  const log = await openLog(location, { clock, busyTimeoutMs, checkpointBytes });
  stack.defer(() => log.close());
  if (location.kind === 'sqlite' && place.kind === 'sqlite')
    await refuseLostCatalogue(place.path, log, config.mq.topics.changes);
  const { catalogue, outbox, close } = await openCatalogue(place, {
    clock,
    busyTimeoutMs,
    checkpointBytes,
    onNotAdopted: warn,
  });
  stack.defer(close);
  const relay = openRelay({
    outbox,
    log,
    topic: config.mq.topics.changes,
    owner: `import-${randomUUID()}`,
    clock,
    logger: pino({ level: 'silent' }),
  });
  stack.defer(relay.close);
  const started = performance.now();
  const summary = await list.into(catalogue, source, (now) => progress.show(progressLine(now)), relay.keepPace);
  const tookMs = performance.now() - started;
  return { ...summary, tookMs, undelivered: await deliver(relay, progress) };
}

async function deliver(relay: OutboxRelay, progress: ProgressLine): Promise<string | null> {
  try {
    await relay.drain(drainWithinMs, (rows) => progress.show(`${count(rows)} changes on their way to the event log`));
    return null;
  } catch (error) {
    if (error instanceof SamsaError) return error.message;
    throw error;
  }
}

function checkSource(source: string): void {
  if (source === 'demo') {
    throw new SamsaError('bad-import-file', 'The source "demo" is the shop\'s own: name another one with --source.');
  }
  if (source.trim() !== '' && source.length <= 100 && !/\p{Cc}/u.test(source)) return;
  throw new SamsaError('bad-import-file', '--source: expected 1 to 100 characters without control characters.');
}

function progressLine({ rows, rowsPerSecond, done, secondsLeft }: ImportProgress): string {
  return `${count(rows)} rows, ${Math.floor(done * 100)} %, ${count(rowsPerSecond)} rows/s, ${timeLeft(secondsLeft)}`;
}

/** What the reader of the summary may want to put right: rows and columns that were not used. */
function describe(summary: ImportSummary, unusedColumns: readonly string[]): readonly string[] {
  const lines = summary.skippedRows.map(({ line, reason }) => `  line ${line}: ${reason}`);
  if (lines.length > 0) lines.unshift('skipped:');
  const more = summary.skipped - summary.skippedRows.length;
  if (more > 0) lines.push(`  and ${count(more)} more`);
  for (const { field, rows, firstLine } of summary.leftOut) {
    lines.push(`${field}: left out of ${count(rows)} books, not understood (first in line ${firstLine})`);
  }
  if (unusedColumns.length > 0) lines.push(`columns not used: ${unusedColumns.slice(0, 20).join(', ')}`);
  return lines;
}

function summaryLine({ rows, added, updated, unchanged, skipped, tookMs }: FinishedImport): string {
  const counts = `${count(added)} added, ${count(updated)} updated, ${count(unchanged)} unchanged, ${count(skipped)} skipped`;
  const rate = count((rows / Math.max(tookMs, 1)) * 1_000);
  return `${count(rows)} rows: ${counts} in ${(tookMs / 1_000).toFixed(1)} s (${rate} rows/s)`;
}
