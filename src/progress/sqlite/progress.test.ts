import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { makeTemporaryFolder } from '../../../test/support/temporary-folder.ts';
import { progressContract, type ContractChange } from '../progress.contract.ts';
import { openSqlite } from '../../sqlite/connection.ts';
import { createSqliteProgress, progressMigrations } from './progress.ts';

progressContract('SQLite', async () => {
  const folder = makeTemporaryFolder();
  const database = openSqlite(join(folder, 'state.sqlite'), {
    migrations: [progressMigrations, { name: 'words', steps: ['CREATE TABLE word (word TEXT NOT NULL)'] }],
    busyTimeoutMs: 1_000,
  });
  let nowMs = 1_000_000;
  const watermarks: number[] = [];
  const occasions: string[] = [];
  const progress = createSqliteProgress<ContractChange>(
    database,
    () => nowMs,
    (changes, watermarkMs, occasion) => {
      watermarks.push(watermarkMs);
      occasions.push(occasion);
      for (const { word, fail } of changes) {
        database.prepare('INSERT INTO word VALUES (?)').run(word);
        if (fail === true) throw new Error('cannot be applied');
      }
    },
  );
  return {
    progress,
    passMs: (ms) => {
      nowMs += ms;
    },
    words: async () =>
      database
        .prepare('SELECT word FROM word ORDER BY rowid')
        .all()
        .map((row) => String(row['word'])),
    watermarks: () => watermarks,
    occasions: () => occasions,
    close: async () => {
      database.close();
    },
  };
});

void it('an idle tick of leases writes nothing', async (test) => {
  const folder = makeTemporaryFolder();
  const path = join(folder, 'state.sqlite');
  const database = openSqlite(path, { migrations: [progressMigrations], busyTimeoutMs: 1_000 });
  const other = openSqlite(path, { migrations: [progressMigrations], busyTimeoutMs: 1_000 });
  test.after(async () => {
    for (const { close } of [database, other]) close();
  });
  let nowMs = 1_000_000;
  const progress = createSqliteProgress(
    database,
    () => nowMs,
    () => {},
  );
  const partitions = [{ topic: 't', partition: 0, topicId: 'id-1', start: 0, end: 0 }];
  const request = { projection: 'p', version: 1, instance: 'a', ttlMs: 5_000, partitions };
  await progress.lease(request);
  const version = other.dataVersion();
  nowMs += 500;
  assert.equal((await progress.lease(request)).length, 1);
  assert.equal(other.dataVersion(), version);
});
