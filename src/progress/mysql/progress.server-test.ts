import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { startDatabase } from '../../../test/servers/start-database.ts';
import { openMysql } from '../../mysql/database.ts';
import { createMysqlProgress, progressMigrations } from './progress.ts';
import { progressContract, type ContractChange } from '../progress.contract.ts';
import type { ProgressCommit } from '../progress.ts';

const server = await startDatabase();
after(server.stop);

progressContract('MySQL', async () => {
  const database = await openMysql(await server.createDatabase(), { migrations: [progressMigrations] });
  await database.connected((connection) =>
    connection.change('CREATE TABLE word (id INT AUTO_INCREMENT PRIMARY KEY, word VARCHAR(20) NOT NULL)'),
  );
  let nowMs = 1_000_000;
  const watermarks: number[] = [];
  const occasions: string[] = [];
  const progress = createMysqlProgress<ContractChange>(
    database,
    async (changes, { connection, watermarkMs, occasion }) => {
      watermarks.push(watermarkMs);
      occasions.push(occasion);
      for (const { word, fail } of changes) {
        await connection.change('INSERT INTO word (word) VALUES (?)', [word]);
        if (fail === true) throw new Error('cannot be applied');
      }
    },
    async () => nowMs,
  );
  return {
    progress,
    passMs: (ms) => {
      nowMs += ms;
    },
    words: () =>
      database.read(async (connection) =>
        (await connection.rows('SELECT word FROM word ORDER BY id')).map((row) => String(row['word'])),
      ),
    watermarks: () => watermarks,
    occasions: () => occasions,
    close: database.close,
  };
});

describe('progress in MySQL between processes', () => {
  it('takes a partition from an owner that is frozen in the middle of a commit', async () => {
    const place = await server.createDatabase();
    const open = () => openMysql(place, { migrations: [progressMigrations] });
    const [frozen, other] = [await open(), await open()];
    try {
      const thaw = Promise.withResolvers<void>();
      const holds = Promise.withResolvers<void>();
      let nowMs = 1_000_000;
      const clock = async (): Promise<number> => nowMs;
      const slow = createMysqlProgress<string>(frozen, () => (holds.resolve(), thaw.promise), clock);
      const quick = createMysqlProgress<string>(other, async () => {}, clock);
      const partitions = [{ topic: 't', partition: 0, topicId: 'i', start: 0, end: 9 }];
      const lease = (instance: string) => ({ projection: 'p', version: 1, instance, ttlMs: 1_000, partitions });
      await slow.lease(lease('slow'));
      const interrupted = assert.rejects(slow.commit(commitOf('slow', 3)), {
        code: 'store-unavailable',
        retryable: true,
      });
      await holds.promise;
      nowMs += 1_001;
      assert.equal((await quick.lease(lease('quick'))).length, 1);
      assert.equal(await quick.commit(commitOf('quick', 5)), true);
      thaw.resolve();
      await interrupted;
      assert.equal(await slow.commit(commitOf('slow', 3)), false);
      assert.equal((await quick.positions('p'))[0]?.next, 5);
    } finally {
      await frozen.close();
      await other.close();
    }
  });

  it('takes the leases from a process that is frozen while it changes them', async () => {
    const place = await server.createDatabase();
    const open = () => openMysql(place, { migrations: [progressMigrations] });
    const [frozen, other] = [await open(), await open()];
    try {
      const holds = Promise.withResolvers<void>();
      const thaw = Promise.withResolvers<number>();
      const request = { projection: 'p', version: 1, ttlMs: 1_000, partitions: [] };
      const stuck = createMysqlProgress<string>(
        frozen,
        async () => {},
        () => (holds.resolve(), thaw.promise),
      );
      const gone = assert.rejects(stuck.lease({ ...request, instance: 'stuck' }), { code: 'store-unavailable' });
      await holds.promise;
      const progress = createMysqlProgress<string>(other, async () => {});
      const partitions = [{ topic: 't', partition: 0, topicId: 'i', start: 0, end: 9 }];
      assert.equal((await progress.lease({ ...request, partitions, instance: 'free' })).length, 1);
      thaw.resolve(0);
      await gone;
    } finally {
      await frozen.close();
      await other.close();
    }
  });
});

function commitOf(instance: string, next: number): ProgressCommit<string> {
  return {
    projection: 'p',
    instance,
    topic: 't',
    partition: 0,
    expected: 0,
    next,
    end: 9,
    arrivedMs: 1_000,
    fingerprint: 'f',
    outcomes: { applied: next, duplicate: 0, dead: 0, late: 0, gap: 0, compacted: 0 },
    changes: ['x'],
    deadLetters: [],
    marks: new Map(),
  };
}
