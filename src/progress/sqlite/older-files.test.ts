import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { makeTemporaryFolder } from '../../../test/support/temporary-folder.ts';
import { openSqlite } from '../../sqlite/connection.ts';
import { createSqliteProgress, progressMigrations } from './progress.ts';
import { openSqliteStateReader } from './open-state.ts';

/** What version 0.1 of the program left: a position that was read up to 7, its marks and a dead letter. */
function writeOlderFile(path: string): void {
  const connection = new DatabaseSync(path);
  for (const name of ['001-progress', '002-dead-letter-decisions']) {
    connection.exec(readFileSync(new URL(`migrations/${name}.sql`, import.meta.url), 'utf8'));
  }
  connection.exec(`
    CREATE TABLE word (word TEXT);
    INSERT INTO projection VALUES ('p', 1);
    INSERT INTO instance VALUES ('p', 'a', 5);
    INSERT INTO position VALUES ('p', 't', 0, 'id', 2, 7, 9, 1000, 'f', 3, 1, 1, 0, 0, 0, 'a', 6);
    INSERT INTO position VALUES ('p', 't', 1, 'id', 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, 0, NULL, 0);
    INSERT INTO producer_mark VALUES ('p', 't', 0, 'source', 41, 900), ('p', 't', 0, 'Quelle', 3, 1000);
    INSERT INTO dead_letter (projection, topic, partition, log_offset, arrived_ms, key, value, headers, reason, cause)
      VALUES ('p', 't', 0, 4, 800, x'01', NULL, x'0100', 'bad', 'bad-event');
    PRAGMA user_version = 3`);
  connection.close();
}

describe('a state file of an older program', () => {
  const test = (behaviour: string, body: (path: string) => Promise<void>): void => {
    it(behaviour, async () => {
      const folder = makeTemporaryFolder();
      const path = join(folder, 'state.sqlite');
      writeOlderFile(path);
      await body(path);
    });
  };
  const open = (path: string) =>
    openSqlite(path, {
      migrations: [progressMigrations, { name: 'words', steps: ['CREATE TABLE word (word TEXT)', 'SELECT 1'] }],
      countedTogether: ['progress', 'words', 'progress', 'words'],
      busyTimeoutMs: 1_000,
    });

  test('goes on where it stood, with its marks and dead letters', async (path) => {
    const database = open(path);
    const progress = createSqliteProgress<string>(
      database,
      () => 5,
      (words) => {
        for (const word of words) database.prepare('INSERT INTO word VALUES (?)').run(word);
      },
    );
    const start = await progress.load('p', { topic: 't', partition: 0 });
    assert.deepEqual(start, {
      topic: 't',
      partition: 0,
      topicId: 'id',
      first: 2,
      next: 7,
      end: 9,
      arrivedMs: 1_000,
      fingerprint: 'f',
      outcomes: { applied: 3, duplicate: 1, dead: 1, late: 0, gap: 0, compacted: 0 },
      instance: 'a',
      marks: new Map([
        ['Quelle', 3],
        ['source', 41],
      ]),
      discarded: new Set(),
    });
    const outcomes = { applied: 1, duplicate: 0, dead: 0, late: 0, gap: 0, compacted: 0 };
    const commit = { projection: 'p', instance: 'a', topic: 't', partition: 0, end: 9, arrivedMs: 1_100, outcomes };
    const changed = { ...commit, fingerprint: null, changes: ['x'], deadLetters: [], marks: new Map([['source', 42]]) };
    assert.equal(await progress.commit({ ...changed, expected: 7, next: 8 }), true);
    const { marks } = await progress.load('p', { topic: 't', partition: 0 });
    assert.deepEqual(Object.fromEntries(marks), { Quelle: 3, source: 42 });
    assert.equal((await progress.deadLetters({ limit: 9 }))[0]?.reason, 'bad');
    assert.deepEqual(await progress.positions('p'), await readFrom(path));
    database.close();
  });

  test('is read from outside as it is, and says the same afterwards', async (path) => {
    const before = await readFrom(path);
    const reader = openSqliteStateReader(path);
    const letters = await reader.deadLetters({ limit: 9 });
    const inside = await reader.inside('p');
    assert.deepEqual([before.length, letters.length, inside.instances, inside.versions.get('p')], [2, 1, ['a'], 1]);
    open(path).close();
    assert.deepEqual(await readFrom(path), before);
    assert.deepEqual(await reader.deadLetters({ limit: 9 }), letters);
    assert.deepEqual(await reader.inside('p'), inside);
  });

  test('is refused by programs that count its schema another way', async (path) => {
    open(path).close();
    const options = { migrations: [{ name: 'words', steps: [] }], busyTimeoutMs: 0 };
    assert.throws(() => openSqlite(path, options), { code: 'state-too-new' });
  });
});

async function readFrom(path: string) {
  return (await openSqliteStateReader(path).progress()).positions.get('p') ?? [];
}
