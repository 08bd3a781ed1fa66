import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, copyFileSync, openSync, writeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { pino } from 'pino';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import type { Progress } from '../progress/progress.ts';
import { openSqlite, type SqliteDatabase } from '../sqlite/connection.ts';
import { createSqliteProgress, progressMigrations } from '../progress/sqlite/progress.ts';
import { SamsaError } from '../errors.ts';
import { encodeEnvelope, text, createEventSource } from '../events/envelope.ts';
import type { NewRecord } from '../events/record.ts';
import type { EventLog } from '../log/log.ts';
import { openSqliteLog } from '../log/sqlite/log.ts';
import { instanceName } from './instance-name.ts';
import type { Projection } from './projection.ts';
import { until } from '../../test/support/until.ts';
import { hourMs } from '../runtime/time.ts';
import type { BlockedReason } from './follow-partition.ts';
import { runProjection, type RunningProjection } from './run-projection.ts';

const counting: Projection<string> = {
  name: 'word-counts',
  version: 1,
  reads: [
    {
      topic: 'words',
      compacted: false,
      repeats: 'dropped-by-sequence',
      fold: ({ value }) => {
        if (value === null) throw new SamsaError('bad-event', 'value: expected a word');
        return text(value);
      },
    },
  ],
};

const patienceMs = 30_000;
let said: string[] = [];
const logger = pino({ level: 'info' }, { write: (line: string) => said.push(line) });

describe('a running projection', () => {
  let folder = '';
  let log: EventLog;
  let state: SqliteDatabase;
  let running: RunningProjection[] = [];
  let sent = 0;

  beforeEach(async () => {
    folder = makeTemporaryFolder();
    log = openLog();
    await log.create('words', { partitions: 4, retentionMs: 0, compacted: false });
    state = openState();
    sent = 0;
    said = [];
  });

  afterEach(async () => {
    await Promise.all(running.map((projection) => projection.close()));
    running = [];
    await log.close();
    state.close();
  });

  const openState = (): SqliteDatabase =>
    openSqlite(join(folder, 'state.sqlite'), {
      migrations: [
        progressMigrations,
        { name: 'words', steps: ['CREATE TABLE word (word TEXT PRIMARY KEY, seen INTEGER NOT NULL)'] },
      ],
      busyTimeoutMs: 1_000,
    });

  const openLog = (): EventLog => openSqliteLog(join(folder, 'log.sqlite'), { clock: Date.now, busyTimeoutMs: 1_000 });

  const progressOf = (database: SqliteDatabase): Progress<string> =>
    createSqliteProgress(database, Date.now, (words) => {
      const count = database.prepare('INSERT INTO word VALUES (?, 1) ON CONFLICT DO UPDATE SET seen = seen + 1');
      for (const word of words) count.run(word);
    });

  const run = (instance: string, progress = progressOf(state)): RunningProjection => {
    const projection = runProjection({
      log,
      progress,
      projection: counting,
      instance,
      clock: Date.now,
      logger,
      leaseMs: 500,
      leaseTickMs: 20,
    });
    running.push(projection);
    return projection;
  };

  const send = async (count: number): Promise<void> => {
    const records = Array.from({ length: count }, () => {
      const word = Buffer.from(`word ${sent++}`);
      return { topic: 'words', key: word, value: word, headers: [] };
    });
    await log.append(records);
  };

  const seen = (): { words: number; times: number } => {
    const row = state.prepare('SELECT count(*) AS words, coalesce(max(seen), 0) AS times FROM word').get();
    return { words: Number(row?.['words']), times: Number(row?.['times']) };
  };

  const total = (projection: RunningProjection, outcome: 'applied' | 'duplicate'): number =>
    projection.ledger().reduce((sum, { outcomes }) => sum + outcomes[outcome], 0);
  const applied = (projection: RunningProjection): number => total(projection, 'applied');

  const everyWordOnce = (): Promise<void> =>
    until(`${sent} words`, () => seen().words === sent).then(() => assert.deepEqual(seen(), { words: sent, times: 1 }));

  it('applies what is there and what comes', async () => {
    await send(50);
    const projection = run('a');
    await everyWordOnce();
    await send(50);
    await everyWordOnce();
    await until('caught up', () => projection.freshness().lagEvents === 0);
    assert.deepEqual(projection.problems(), []);
  });

  it('takes several reads into one commit where the store asks for it', async () => {
    const real = log;
    log = { ...real, read: (request) => real.read({ ...request, maxBytes: 1 }) };
    const progress = progressOf(state);
    const sizes: number[] = [];
    await send(50);
    run('a', {
      ...progress,
      readsPerCommit: 3,
      commit: (commit) => {
        sizes.push(commit.changes.length);
        return progress.commit(commit);
      },
    });
    await everyWordOnce();
    assert.equal(Math.max(...sizes), 3);
  });

  it('goes on where it stopped', async () => {
    await send(30);
    run('a');
    await everyWordOnce();
    await running.pop()?.close();
    await send(30);
    run('b');
    await everyWordOnce();
  });

  it('shares partitions between instances that come and go, counting every event once', async () => {
    run('a');
    await send(100);
    run('b');
    await send(100);
    run('c');
    await send(100);
    await running.shift()?.close();
    await send(100);
    await running.pop()?.close();
    await send(100);
    await everyWordOnce();
  });

  it('takes over at once from a process of this machine that was killed', async () => {
    const child = spawn(process.execPath, ['--eval', '']);
    const killed = instanceName('trend').replace(`:${process.pid}-`, `:${child.pid}-`);
    await once(child, 'exit');
    const { id, partitions } = await log.describe('words');
    const request = { projection: counting.name, version: 1, instance: killed, ttlMs: hourMs };
    const held = partitions.map(({ start, end }, partition) => ({
      topic: 'words',
      partition,
      topicId: id,
      start,
      end,
    }));
    assert.equal((await progressOf(state).lease({ ...request, partitions: held })).length, 4);
    await send(20);
    const projection = run('a');
    assert.equal(await projection.caughtUp(patienceMs), true);
    await everyWordOnce();
  });

  it('drops what comes a second time, in the same read or long after', async () => {
    const source = createEventSource('test', Date.now);
    const record = (word: string): NewRecord => {
      const headers = encodeEnvelope(source.next('t', {}));
      return { topic: 'words', key: Buffer.from('same'), value: Buffer.from(word), headers };
    };
    const [first, second] = [record('first'), record('second')];
    const projection = run('a');
    await log.append([first, first]);
    await until('the first is applied', () => applied(projection) === 1 && total(projection, 'duplicate') === 1);
    await log.append([second]);
    await until('the second is applied', () => applied(projection) === 2);
    await log.append([first, second]);
    await until('both are dropped', () => total(projection, 'duplicate') === 3);
    assert.deepEqual(seen(), { words: 2, times: 1 });
  });

  it('keeps a ledger that balances, and says so when it does not', async () => {
    await send(20);
    const projection = run('a');
    await everyWordOnce();
    await until('the ledger is complete', () => applied(projection) === 20);
    assert.ok(projection.ledger().every(({ balanced }) => balanced));
    assert.deepEqual(projection.problems(), []);
    state.prepare('UPDATE position SET applied = applied - 1 WHERE applied > 0').run();
    await until('the imbalance is said', () => projection.problems().includes('unbalanced'));
  });

  it('tells when it has caught up, and when it could not in time', async () => {
    await send(20);
    const away: Progress<string> = {
      ...progressOf(state),
      commit: async () => {
        throw new SamsaError('store-unavailable', 'away', { retryable: true });
      },
    };
    const projection = run('a', away);
    assert.equal(await projection.caughtUp(50), false);
    await running.pop()?.close();
    assert.equal(await run('b').caughtUp(patienceMs), true);
    assert.equal(seen().words, 20);
  });

  it('sends bad events to the dead letters with their bytes, and does not stop for them', async () => {
    run('a');
    await send(5);
    await log.append([{ topic: 'words', key: Buffer.from('k'), value: null, headers: [['h', Buffer.from([0, 255])]] }]);
    await send(5);
    await everyWordOnce();
    await until('a dead letter', () => state.prepare('SELECT * FROM dead_letter').all().length === 1);
    const letter = state.prepare('SELECT * FROM dead_letter').get();
    assert.deepEqual([letter?.['record_value'], letter?.['reason']], [null, 'value: expected a word']);
    assert.equal(text(letter?.['record_key'] as Uint8Array), 'k');
  });

  it('waits for a store that is away, says so, and loses nothing', async () => {
    const progress = progressOf(state);
    let away = true;
    const flaky: Progress<string> = {
      ...progress,
      commit: async (commit) => {
        if (away) throw new SamsaError('store-unavailable', 'away', { retryable: true });
        return progress.commit(commit);
      },
    };
    const projection = run('a', flaky);
    await send(20);
    await until('the problem is said', () => projection.problems().includes('store-unavailable'));
    await until('nothing of it has been read', () => projection.problems().includes('lagging'));
    assert.equal(seen().words, 0);
    away = false;
    await everyWordOnce();
    await until('it is over', () => projection.problems().length === 0);
  });

  it('tells a log that does not answer from a store that does not', async () => {
    let away = true;
    const real = log;
    const describe: EventLog['describe'] = async (topic) => {
      if (away) throw new SamsaError('log-unavailable', 'no broker answers', { retryable: true });
      return real.describe(topic);
    };
    log = { ...real, describe };
    await send(20);
    const projection = run('a');
    await until('the problem is said', () => projection.problems().includes('log-unavailable'));
    away = false;
    await everyWordOnce();
    await until('it is over', () => projection.problems().length === 0);
  });

  it('keeps its partitions while the log does not say how far it reaches, and says so', async () => {
    let isSilent = false;
    const real = log;
    log = { ...real, describe: async (topic) => (isSilent ? new Promise(() => {}) : real.describe(topic)) };
    await send(20);
    const projection = run('a');
    await everyWordOnce();
    isSilent = true;
    const sinceMs = Date.now();
    await until('the leases are renewed', () => {
      const row = state.prepare('SELECT min(leased_until_ms) AS until_ms FROM lease').get();
      return Number(row?.['until_ms']) > sinceMs + 1_000;
    });
    assert.deepEqual(projection.problems(), ['log-unavailable']);
    await send(20);
    await everyWordOnce();
  });

  it('says which of the two fails after a commit', async () => {
    let away = false;
    const real = log;
    log = {
      ...real,
      read: async (request) => {
        if (away) throw new SamsaError('log-unavailable', 'no broker answers', { retryable: true });
        return real.read(request);
      },
    };
    await send(20);
    const projection = run('a');
    await everyWordOnce();
    away = true;
    await until('the problem is said', () => projection.problems().includes('log-unavailable'));
    assert.ok(!projection.problems().includes('store-unavailable'));
  });

  it('says once that the log does not answer, and once when all partitions move again', async () => {
    let away = false;
    const failed = new Set<number>();
    const real = log;
    log = {
      ...real,
      read: async (request) => {
        if (!away) return real.read(request);
        failed.add(request.partition);
        throw new SamsaError('log-unavailable', 'no broker answers', { retryable: true });
      },
    };
    await send(20);
    const projection = run('a');
    await everyWordOnce();
    away = true;
    await until('all partitions have failed', () => failed.size === 4);
    away = false;
    await until('it is over', () => projection.problems().length === 0);
    assert.deepEqual(
      said.map((line) => (JSON.parse(line) as { msg: string }).msg),
      ['log-unavailable', 'moving again'],
    );
  });

  it('stops with `diverged` when the log lost records it has applied', async () => {
    await send(10);
    await log.close();
    copyFileSync(join(folder, 'log.sqlite'), join(folder, 'older.sqlite'));
    log = openLog();
    await send(10);
    run('a');
    await everyWordOnce();
    await running.pop()?.close();
    await log.close();
    for (const part of ['-wal', '-shm']) await rm(join(folder, `log.sqlite${part}`), { force: true });
    copyFileSync(join(folder, 'older.sqlite'), join(folder, 'log.sqlite'));
    log = openLog();
    await send(15);
    const projection = run('b');
    await until('diverged', () => projection.problems().includes('diverged'));
    assert.equal(seen().times, 1);
    assert.match(said.join(''), /lost its end, or an older copy .* samsa rebuild.*"msg":"diverged"/);
  });

  it('goes on by itself when only an old copy of the log had answered', async () => {
    let isPast = false;
    const real = log;
    log = {
      ...real,
      read: async (request) =>
        isPast
          ? { records: [], next: request.from, skipped: [], start: 0, end: 0 }
          : real.read({ ...request, waitMs: 10 }),
    };
    await send(20);
    const projection = run('a');
    await everyWordOnce();
    isPast = true;
    await until('it is said', () => projection.problems().includes('diverged'));
    await send(20);
    isPast = false;
    await everyWordOnce();
    await until('it is over', () => projection.problems().length === 0);
  });

  const standsStill = async (why: BlockedReason, advice: RegExp): Promise<void> => {
    const projection = run('a');
    await until('it is said', () => projection.problems().includes(why));
    assert.match(said.join(''), advice);
  };

  it('says that a newer program wrote the state', async () => {
    state.prepare("INSERT INTO projection VALUES ('word-counts', 2)").run();
    await standsStill('state-too-new', /version 1, found version 2.*run that version/);
  });

  it('says that the state is of an older fold', async () => {
    state.prepare("INSERT INTO projection VALUES ('word-counts', 0)").run();
    await standsStill('state-outdated', /version 1, found version 0.*samsa rebuild/);
  });

  it('says that the file of the state is damaged', async () => {
    state.close();
    const file = openSync(join(folder, 'state.sqlite'), 'r+');
    writeSync(file, Buffer.alloc(100_000, 0xee), 0, undefined, 8192);
    closeSync(file);
    state = openState();
    await standsStill('store-damaged', /state.sqlite: expected a whole SQLite file, got a damaged one/);
  });
});
