import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { pino } from 'pino';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import type { ProgressStore } from '../progress/dead-letter-book.ts';
import type { Outcomes, Progress } from '../progress/progress.ts';
import { openSqlite, type SqliteDatabase } from '../sqlite/connection.ts';
import { createSqliteProgress, progressMigrations } from '../progress/sqlite/progress.ts';
import { SamsaError } from '../errors.ts';
import { text } from '../events/envelope.ts';
import type { NewRecord, StoredRecord } from '../events/record.ts';
import type { EventLog } from '../log/log.ts';
import { openSqliteLog } from '../log/sqlite/log.ts';
import { until } from '../../test/support/until.ts';
import { carryDiscarded, createDeadLetters, createPace, type DeadLetterOutcome } from './dead-letters.ts';
import { ledgerOf } from './ledger.ts';
import type { Projection } from './projection.ts';
import { runProjection } from './run-projection.ts';

/** Takes words; an older program refuses those with a digit, which a newer one has learned to read. */
function words(refused: RegExp, seen: StoredRecord[] = []): Projection<string> {
  const fold = (record: StoredRecord): string => {
    seen.push(record);
    const word = text(record.value!);
    if (refused.test(word)) throw new SamsaError('bad-event', `value: expected a word, got ${word}`);
    return word === 'old 1' ? 'late' : word;
  };
  return {
    name: 'words',
    version: 1,
    reads: [{ topic: 'words', compacted: false, repeats: 'dropped-by-sequence', fold }],
  };
}

const older = /\d/;
const newer = /!/;
const atOnce = { dryRun: false, pace: async () => {} };

describe('dead letters', () => {
  let folder = '';
  let log: EventLog;
  const opened: SqliteDatabase[] = [];

  beforeEach(async () => {
    folder = makeTemporaryFolder();
    log = openSqliteLog(join(folder, 'log.sqlite'), { clock: Date.now, busyTimeoutMs: 1_000 });
    await log.create('words', { partitions: 2, retentionMs: 0, compacted: false });
  });

  afterEach(async () => {
    await log.close();
    for (const database of opened.splice(0)) database.close();
  });

  const openState = (
    name: string,
  ): { progress: ProgressStore<string>; words: () => Readonly<Record<string, number>> } => {
    const database = openSqlite(join(folder, `${name}.sqlite`), {
      migrations: [
        progressMigrations,
        { name: 'words', steps: ['CREATE TABLE word (word TEXT PRIMARY KEY, seen INTEGER NOT NULL)'] },
      ],
      busyTimeoutMs: 5_000,
    });
    opened.push(database);
    const progress = createSqliteProgress<string>(database, Date.now, (changes, _, occasion) => {
      const count = database.prepare('INSERT INTO word VALUES (?, 1) ON CONFLICT DO UPDATE SET seen = seen + 1');
      for (const word of changes) {
        if (occasion === 'redriven' && word === 'forgotten 1') throw new SamsaError('too-late-to-redrive', 'too late');
        count.run(word);
      }
    });
    const rows = () => database.prepare('SELECT word, seen FROM word ORDER BY word').all();
    return { progress, words: () => Object.fromEntries(rows().map(({ word, seen }) => [String(word), Number(seen)])) };
  };

  const run = (progress: Progress<string>, projection: Projection<string>, instance = 'a') =>
    runProjection({
      log,
      progress,
      projection,
      instance,
      clock: Date.now,
      logger: pino({ level: 'silent' }),
      leaseTickMs: 20,
    });

  const readAll = async (progress: Progress<string>, projection: Projection<string>): Promise<void> => {
    const running = run(progress, projection);
    await caughtUp(progress);
    await running.close();
  };

  const caughtUp = async (progress: Progress<string>): Promise<void> => {
    const { partitions } = await log.describe('words');
    await until('everything is read', async () => {
      const positions = await progress.positions('words');
      return positions.length === 2 && positions.every(({ partition, next }) => next === partitions[partition]?.end);
    });
  };

  const recordOf = (word: string, headers: NewRecord['headers'] = []): NewRecord => {
    return { topic: 'words', key: Buffer.from(word), value: Buffer.from(word), headers };
  };
  const append = (...given: readonly string[]) => log.append(given.map((word) => recordOf(word)));

  const outcomes = async (progress: Progress<string>): Promise<Outcomes> => {
    const positions = await progress.positions('words');
    const { partitions } = await log.describe('words');
    assert.ok(ledgerOf(positions, (_, partition) => partitions[partition]!.end).every(({ balanced }) => balanced));
    const sum = { applied: 0, duplicate: 0, dead: 0, late: 0, gap: 0, compacted: 0 };
    for (const position of positions) {
      for (const name of Object.keys(sum) as (keyof Outcomes)[]) sum[name] += position.outcomes[name];
    }
    return sum;
  };

  const all = async (steps: AsyncIterable<DeadLetterOutcome>) =>
    (await Array.fromAsync(steps)).map(({ letter, became }) => [text(letter.value!), became].join(': ')).sort();

  it('are folded again as they came, and counted as what they became', async () => {
    const state = openState('state');
    const headers = [
      ['ce_id', Buffer.from('id-1')],
      ['ce_source', Buffer.from('s')],
      ['ce_sequence', Buffer.from('7')],
      ['x', Buffer.from([255])],
    ] as const;
    const seen: StoredRecord[] = [];
    await log.append([recordOf('emma'), recordOf('word 1', headers), recordOf('old 1'), recordOf('bad! 1')]);
    await readAll(state.progress, words(older, seen));
    assert.deepEqual(await outcomes(state.progress), nothing({ applied: 1, dead: 3 }));

    const again: StoredRecord[] = [];
    const letters = createDeadLetters(state.progress, words(newer, again));
    assert.deepEqual(await all(letters.redrive({}, atOnce)), ['bad! 1: waiting', 'old 1: late', 'word 1: applied']);
    assert.deepEqual(state.words(), { emma: 1, 'word 1': 1 });
    assert.deepEqual(await outcomes(state.progress), nothing({ applied: 2, late: 1, dead: 1 }));
    const named = (records: readonly StoredRecord[]) =>
      records
        .map((record) => ({ ...record, headers: [...record.headers] }))
        .filter(({ headers: { length } }) => length === 4);
    assert.deepEqual(named(again), named(seen));
    assert.equal(named(again).length, 1);
    assert.deepEqual(await all(letters.redrive({}, atOnce)), ['bad! 1: waiting']);
    assert.deepEqual(state.words(), { emma: 1, 'word 1': 1 });
  });

  it('keep waiting with the new reason when they fail again or come too late', async () => {
    const state = openState('state');
    await append('bad 1', 'forgotten 1');
    await readAll(state.progress, words(older));
    await all(createDeadLetters(state.progress, words(/bad/)).redrive({}, atOnce));
    const waiting = await state.progress.deadLetters({ status: 'waiting', limit: 9 });
    assert.deepEqual(waiting.map(({ cause }) => cause).sort(), ['bad-event', 'too-late-to-redrive']);
    assert.deepEqual(await outcomes(state.progress), nothing({ dead: 2 }));
    assert.deepEqual(state.words(), {});
  });

  it('are left alone by a dry run', async () => {
    const state = openState('state');
    await append('word 1', 'bad! 1');
    await readAll(state.progress, words(older));
    const letters = createDeadLetters(state.progress, words(newer));
    const before = await state.progress.deadLetters({ limit: 9 });
    assert.deepEqual(await all(letters.redrive({}, { ...atOnce, dryRun: true })), [
      'bad! 1: waiting',
      'word 1: applied',
    ]);
    assert.deepEqual(await all(letters.discard({}, { dryRun: true })), ['bad! 1: discarded', 'word 1: discarded']);
    assert.deepEqual(await state.progress.deadLetters({ limit: 9 }), before);
    assert.deepEqual(state.words(), {});
  });

  it('are applied once when two people redrive them while the projection reads on', async () => {
    const state = openState('state');
    const early = Array.from({ length: 90 }, (_, at) => `word ${at}`);
    const late = Array.from({ length: 90 }, (_, at) => `${'more'.repeat(20)} ${'i'.repeat(at)}`);
    await append(...early);
    await readAll(state.progress, words(older));
    const running = run(state.progress, words(older), 'b');
    const redrive = (name: string) =>
      all(createDeadLetters(openState(name).progress, words(newer)).redrive({}, atOnce));
    const [one, two] = await Promise.all([
      redrive('state'),
      redrive('state'),
      (async () => {
        for (const word of late) await append(word);
      })(),
    ]);
    await caughtUp(state.progress);
    await running.close();
    const applied = [...one, ...two].filter((step) => step.endsWith(': applied'));
    assert.equal(applied.length, 90);
    assert.deepEqual(state.words(), Object.fromEntries([...early, ...late].map((word) => [word, 1])));
    assert.deepEqual(await outcomes(state.progress), nothing({ applied: 180 }));
  });

  it('stay dead once discarded, also when the state is rebuilt by a fold that would accept them', async () => {
    const state = openState('state');
    await append('emma', 'word 1', 'word 2');
    await readAll(state.progress, words(older));
    const letters = createDeadLetters(state.progress, words(newer));
    assert.deepEqual(await all(letters.discard({ reason: 'word 1' }, { dryRun: false })), ['word 1: discarded']);
    assert.deepEqual(await all(letters.redrive({ reason: 'word 1' }, atOnce)), []);
    assert.deepEqual(await outcomes(state.progress), nothing({ applied: 1, dead: 2 }));

    const rebuilt = openState('rebuilt');
    assert.equal(await carryDiscarded('words', state.progress, rebuilt.progress, log), 1);
    await readAll(rebuilt.progress, words(newer));
    assert.deepEqual(rebuilt.words(), { emma: 1, 'word 2': 1 });
    assert.deepEqual(await outcomes(rebuilt.progress), nothing({ applied: 2, dead: 1 }));
    assert.deepEqual(await all(letters.redrive({}, atOnce)), ['word 2: applied']);
    assert.deepEqual(state.words(), rebuilt.words());
    assert.deepEqual(await outcomes(state.progress), await outcomes(rebuilt.progress));
  });

  it('of a topic that was deleted and created again are not copied', async () => {
    const state = openState('state');
    await append('word 1');
    await readAll(state.progress, words(older));
    await all(createDeadLetters(state.progress, words(newer)).discard({}, { dryRun: false }));
    const another = openSqliteLog(join(folder, 'another.sqlite'), { clock: Date.now, busyTimeoutMs: 1_000 });
    try {
      const rebuilt = openState('rebuilt');
      assert.equal(await carryDiscarded('words', state.progress, rebuilt.progress, another), 0);
      await another.create('words', { partitions: 2, retentionMs: 0, compacted: false });
      assert.equal(await carryDiscarded('words', state.progress, rebuilt.progress, another), 0);
    } finally {
      await another.close();
    }
  });

  it('are found a page at a time, each once', async () => {
    const state = openState('state');
    await append(...Array.from({ length: 45 }, (_, at) => `word! ${at}`));
    await readAll(state.progress, words(older));
    const letters = createDeadLetters(state.progress, words(newer));
    assert.equal(new Set(await all(letters.redrive({}, atOnce))).size, 45);
  });
});

function nothing(but: Partial<Outcomes>): Outcomes {
  return { applied: 0, duplicate: 0, dead: 0, late: 0, gap: 0, compacted: 0, ...but };
}

describe('a pace', () => {
  it('spreads work evenly, and does not catch up after a rest', async () => {
    let now = 0;
    const started: number[] = [];
    const pace = createPace(
      4,
      () => now,
      async (ms) => (now += ms),
    );
    for (const restMs of [0, 100, 0, 1_000, 0, 0]) {
      await pace();
      started.push(now);
      now += restMs;
    }
    assert.deepEqual(started, [0, 250, 500, 750, 1_750, 2_000]);
  });
});
