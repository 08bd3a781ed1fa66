import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import { startCheckpoints, type CheckpointOptions } from './checkpoints.ts';
import { until } from '../../test/support/until.ts';
import { openSqlite, type SqliteDatabase } from './connection.ts';

const schema = {
  migrations: [{ name: 'test', steps: ['CREATE TABLE t (bytes BLOB)'] }],
  busyTimeoutMs: 1_000,
  checkpointedElsewhere: true,
};
const limits = { timeout: 30_000 };

void describe('checkpoints', () => {
  const test = (
    behaviour: string,
    given: Partial<CheckpointOptions>,
    body: (path: string, problems: readonly string[]) => Promise<void>,
  ): void => {
    void it(behaviour, limits, async () => {
      const folder = makeTemporaryFolder();
      const path = join(folder, 'test.sqlite');
      const problems: string[] = [];
      const options = { intervalMs: 10, onProblem: (problem: Error) => problems.push(problem.message), ...given };
      const checkpoints = startCheckpoints([path], options);
      try {
        await body(path, problems);
      } finally {
        await checkpoints.close();
        await checkpoints.close();
      }
    });
  };
  const add = (database: SqliteDatabase, megabytes: number): void => {
    for (let added = 0; added < megabytes; added++) {
      database.transaction(() => database.prepare('INSERT INTO t VALUES (zeroblob(1000000))').run());
    }
  };
  const walBytes = (path: string): number => statSync(`${path}-wal`).size;

  test('write what is committed into the file, also one created later or again', {}, async (path, problems) => {
    for (const round of [1, 2]) {
      const database = openSqlite(path, schema);
      add(database, 3);
      assert.ok(walBytes(path) > 3_000_000, `round ${round}`);
      await until('it is in the file', () => statSync(path).size > 3_000_000);
      database.close();
      rmSync(path);
    }
    assert.deepEqual(problems, []);
  });

  test('let a long write-ahead log start over while it is written', { limitBytes: 1 << 20 }, async (path) => {
    const database = openSqlite(path, schema);
    let added = 0;
    await until('the write-ahead log starts over', () => {
      add(database, 1);
      added++;
      return added > 20 && walBytes(path) < added * 500_000;
    });
    database.close();
  });

  test('truncate a write-ahead log that is far too long', { limitBytes: 100_000 }, async (path) => {
    const database = openSqlite(path, schema);
    database.transaction(() => database.prepare('INSERT INTO t VALUES (zeroblob(5000000))').run());
    await until('the write-ahead log is cut', () => walBytes(path) === 0);
    database.close();
  });

  test('report once why they fail, and go on', {}, async (path, problems) => {
    writeFileSync(path, 'this is no database, and it is longer than the header of one would be'.repeat(20));
    await until('the problem is reported', () => problems.length > 0);
    rmSync(path);
    const database = openSqlite(path, schema);
    add(database, 3);
    await until('it is in the file', () => statSync(path).size > 3_000_000);
    database.close();
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, /not a database/);
  });

  test('report a file that stays locked, and go on when it is free', {}, async (path, problems) => {
    const database = openSqlite(path, schema);
    add(database, 1);
    database.close();
    const holder = new DatabaseSync(path);
    holder.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    await until('the problem is reported', () => problems.length > 0);
    holder.exec('COMMIT');
    holder.close();
    const again = openSqlite(path, schema);
    add(again, 3);
    await until('it is in the file', () => statSync(path).size > 3_000_000);
    again.close();
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, /locked/);
  });

  void it('report that their thread has ended', limits, async () => {
    const problem = await new Promise<Error>((onProblem) => {
      const fatal = 'data:text/javascript,process.nextTick(() => { throw new Error("died") }); export default () => {}';
      startCheckpoints([], { intervalMs: 10, onProblem, chores: [{ module: fatal, argument: 'x', everyMs: 1 }] });
      setTimeout(() => {}, 1_000).unref();
    });
    assert.match(problem.message, /has ended.*died/);
  });

  void it('tell a running chore to stop, and wait for it', limits, async () => {
    const folder = makeTemporaryFolder();
    const endless = `data:text/javascript,import { writeFileSync } from 'node:fs';
      export default async (folder, signal) => {
        writeFileSync(folder + '/begun', '');
        await new Promise((resolve) => signal.addEventListener('abort', () => setTimeout(resolve, 50)));
        writeFileSync(folder + '/ended', '');
      }`;
    const chores = [{ module: endless, argument: folder, everyMs: 1 }];
    const checkpoints = startCheckpoints([], { intervalMs: 10, onProblem: assert.fail, chores });
    await until('the chore is in hand', () => existsSync(join(folder, 'begun')));
    await checkpoints.close();
    assert.ok(existsSync(join(folder, 'ended')));
  });

  void it('do not keep the process alive', limits, async () => {
    const module = JSON.stringify(pathToFileURL(join(import.meta.dirname, 'checkpoints.ts')).href);
    const source = `import(${module}).then(({ startCheckpoints }) => startCheckpoints([], { onProblem: console.error }))`;
    const child = spawn(process.execPath, ['--eval', source], { stdio: 'inherit', timeout: 20_000 });
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });
});
