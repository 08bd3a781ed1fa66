import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import type { SqliteDatabase } from '../../../../sqlite/connection.ts';
import { isDamage } from '../../../../sqlite/errors.ts';
import { removeSqliteFile } from '../../../../sqlite/file.ts';
import { createSqliteProgress } from '../../../../progress/sqlite/progress.ts';
import type { Progress } from '../../../../progress/progress.ts';
import { reason } from '../../../../errors.ts';
import { lowerThreadPriority, linkToParent, toPlainError } from '../../../../runtime/threads.ts';
import { openLog } from '../../../../log/open-log.ts';
import { runProjection, type RunningProjection } from '../../../../projection/run-projection.ts';
import type { FromIndexThread, IndexThreadData, ToIndexThread } from './index-thread-link.ts';
import { createIndexWriter, type IndexWriter } from './index-writer.ts';
import { createSearchProjection, searchProjectionName, type SearchChange } from './search-projection.ts';
import { openIndexForWriting } from './index-file.ts';
import { createWordMaker, type WordMaker } from './word-maker.ts';

/** The entry of the worker thread that owns all writes to the search index. */
const parent = linkToParent<IndexThreadData, FromIndexThread, ToIndexThread>();
const { path, log: location, logLevel } = parent.data;
const { tell } = parent;
const logger = pino({ level: logLevel, base: null }, { write: (line: string) => tell({ type: 'log', line }) });
const clock = Date.now;
const stateEveryMs = 250;

type OpenIndex = {
  readonly database: SqliteDatabase;
  readonly writer: IndexWriter;
  /** Sends to the request thread what was written since the last call. */
  readonly announce: () => void;
  readonly words: WordMaker;
  readonly running: RunningProjection;
  readonly ticking: NodeJS.Timeout;
};

lowerThreadPriority();
const log = await open(() =>
  openLog(location, {
    clock,
    busyTimeoutMs: 1_000,
    checkpointedElsewhere: true,
    onProblem: (problem) => logger.info({ problem: problem?.message }, 'the search index looks for the event log'),
  }),
);
let index = log === null ? null : await open(openIndex);
if (index !== null) tell({ type: 'opened' });

parent.listen({
  onMessage: (message) => {
    if (message.type === 'apply') applyAtOnce(message);
    else if (message.type === 'catch-up') void catchUp(message);
    else void rebuild(message.why);
  },
  onClose: () => void stop(),
});

async function open<Opened>(attempt: () => Promise<Opened>): Promise<Opened | null> {
  try {
    return await attempt();
  } catch (error) {
    tell({ type: 'failed', error: toPlainError(error) });
    parent.leave();
    return null;
  }
}

async function openIndex(): Promise<OpenIndex> {
  const database = openIndexForWriting(path, clock(), sayRebuild);
  const writer = createIndexWriter(database, clock);
  const words = createWordMaker(path, {
    onBegun: () => tell({ type: 'words-begun' }),
    onMade: (data) => tell({ type: 'words', data }),
    onFailed: report,
  });
  const announce = (): void => {
    const books = writer.takeWritten();
    if (books.length === 0) return;
    words.changed(books);
    tell({ type: 'changed', books });
  };
  const progress = announcing(createSqliteProgress(database, clock, writer.apply), announce);
  await releaseLeases(progress);
  const running = runProjection({
    log: log!,
    progress,
    projection: createSearchProjection(location.topics),
    instance: `index-${randomBytes(6).toString('base64url')}`,
    clock,
    logger,
  });
  const ticking = setInterval(() => {
    const freshness = running.freshness();
    tell({ type: 'state', freshness, ledger: running.ledger(), problems: running.problems() });
    if (freshness.lagEvents > 0) return;
    guarded(writer.tidy);
    guarded(words.refresh);
  }, stateEveryMs);
  return { database, writer, announce, words, running, ticking };
}

/** Only this process uses the file, so leases in it belong to a process that has ended. They are released at once. */
async function releaseLeases(progress: Progress<SearchChange>): Promise<void> {
  for (const { instance } of await progress.positions(searchProjectionName)) {
    if (instance !== null) await progress.release(searchProjectionName, instance);
  }
}

/** Sends to the request thread which books a commit wrote, and whether the file is found to be damaged. */
function announcing(progress: Progress<SearchChange>, announce: () => void): Progress<SearchChange> {
  return {
    ...progress,
    commit: async (commit) => {
      try {
        return await progress.commit(commit);
      } catch (error) {
        if (isDamage(error)) tell({ type: 'damaged', why: reason(error) });
        throw error;
      } finally {
        announce();
      }
    },
  };
}

function applyAtOnce({ number, change }: Extract<ToIndexThread, { type: 'apply' }>): void {
  if (index === null) return tell({ type: 'done', number, problem: 'the index is being built again' });
  const { writer, announce } = index;
  const problem = guarded(() => writer.applyAtOnce(change));
  announce();
  tell({ type: 'done', number, problem });
}

async function catchUp({ number, withinMs }: Extract<ToIndexThread, { type: 'catch-up' }>): Promise<void> {
  await index?.running.caughtUp(withinMs).catch((error: unknown) => {
    logger.warn({ error: reason(error) }, 'how far the log reaches is not known');
  });
  tell({ type: 'done', number, problem: null });
}

/** @returns why it failed, or `null`. */
function guarded(write: () => void): string | null {
  try {
    write();
    return null;
  } catch (error) {
    report(error);
    return reason(error);
  }
}

function report(error: unknown): void {
  if (isDamage(error)) tell({ type: 'damaged', why: reason(error) });
  else logger.warn({ error: reason(error) }, 'the search index could not be used');
}

async function rebuild(why: string): Promise<void> {
  if (index === null) return;
  await closeIndex();
  sayRebuild(why);
  index = await open(async () => {
    removeSqliteFile(path);
    return openIndex();
  });
  if (index !== null) tell({ type: 'opened' });
}

function sayRebuild(why: string): void {
  logger.warn({ path, why }, 'the search index is built again from the log');
}

async function closeIndex(): Promise<void> {
  const closing = index;
  index = null;
  if (closing === null) return;
  clearInterval(closing.ticking);
  await closing.words.close();
  await closing.running.close();
  closing.database.close();
}

async function stop(): Promise<void> {
  await closeIndex();
  await log?.close();
}
