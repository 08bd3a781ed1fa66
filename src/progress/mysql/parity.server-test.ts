import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { makeTemporaryFolder } from '../../../test/support/temporary-folder.ts';
import { startDatabase } from '../../../test/servers/start-database.ts';
import { openMysql } from '../../mysql/database.ts';
import { runSteps as runOnMysql } from '../../mysql/transaction.ts';
import { columnText, rows, write, type MergedTable, type Steps } from '../../sql/statements.ts';
import { openSqlite, runSteps as runOnSqlite } from '../../sqlite/connection.ts';
import type { ProgressStore } from '../dead-letter-book.ts';
import { driveAlike, lettersOf } from '../parity.contract.ts';
import { createSqliteProgress, progressMigrations as sqliteTables } from '../sqlite/progress.ts';
import { createMysqlProgress, progressMigrations as mysqlTables } from './progress.ts';

const words: MergedTable = { name: 'word', key: ['word'], columns: { seen: 'sum', watermark_ms: 'max' } };

const server = await startDatabase();
after(server.stop);

it('is the same in SQLite and MySQL after the same random work', async () => {
  for (const seed of [1, 2, 3, 4]) await compareAfterWork(seed);
});

async function compareAfterWork(seed: number): Promise<void> {
  const folder = makeTemporaryFolder();
  const sqlite = openSqlite(join(folder, 'state.sqlite'), {
    migrations: [sqliteTables, { name: 'words', steps: [wordSchema('TEXT')] }],
    busyTimeoutMs: 1_000,
  });
  const mysql = await openMysql(await server.createDatabase(), { migrations: [mysqlTables] });
  try {
    await mysql.connected((connection) => connection.change(wordSchema('VARBINARY(50)')));
    let nowMs = 1_000_000;
    const inSqlite = createSqliteProgress<string>(
      sqlite,
      () => nowMs,
      (changes, watermarkMs) => runOnSqlite(sqlite, count(changes, watermarkMs)),
    );
    const inMysql = createMysqlProgress<string>(
      mysql,
      (changes, { connection, watermarkMs }) => runOnMysql(connection, count(changes, watermarkMs)),
      async () => nowMs,
    );
    await driveAlike(inSqlite, inMysql, {
      seed,
      rounds: 400,
      projection: 'words',
      version: 3,
      topics: ['t', 'ü'],
      changeOf: (topic, random) => `${topic} ${Math.floor(random() * 10)}`,
      passMs: (ms) => {
        nowMs += ms;
      },
    });
    const wordsIn = [
      runOnSqlite(sqlite, readWords()),
      await mysql.connected((connection) => runOnMysql(connection, readWords())),
    ];
    assert.equal(wordsIn[0]!.length, 20, 'something was counted');
    assert.deepEqual(wordsIn[0], wordsIn[1]);
    assert.deepEqual(await dump(inSqlite), await dump(inMysql));
  } finally {
    sqlite.close();
    await mysql.close();
  }
}

function wordSchema(text: string): string {
  return `CREATE TABLE word (word ${text} PRIMARY KEY, seen BIGINT NOT NULL,
    watermark_ms BIGINT NOT NULL)`;
}

function* count(changes: readonly string[], watermarkMs: number): Steps<void> {
  yield* write(
    words,
    changes.map((word) => [word, 1, watermarkMs]),
  );
}

function* readWords(): Steps<readonly unknown[]> {
  const found = yield* rows('SELECT * FROM state.word ORDER BY word');
  return found.map((row) => [columnText(row['word']), Number(row['seen']), Number(row['watermark_ms'])]);
}

async function dump(store: ProgressStore<string>): Promise<unknown> {
  const positions = await store.positions('words');
  const starts = await Promise.all(positions.map((position) => store.load('words', position)));
  return { positions, starts, letters: await lettersOf(store) };
}
