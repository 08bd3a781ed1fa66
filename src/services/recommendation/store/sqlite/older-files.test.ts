import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { makeTemporaryFolder } from '../../../../../test/support/temporary-folder.ts';
import { openSqliteRecommendationStore } from './recommendation-store.ts';

const options = { clock: () => 0, busyTimeoutMs: 50 };

/** As version 0.1 of the program made it, with its readers in plain text. */
function createOldFile(path: string): DatabaseSync {
  const file = new DatabaseSync(path);
  const run = (path: string): void => file.exec(readFileSync(new URL(path, import.meta.url), 'utf8'));
  for (const step of ['001-progress', '002-dead-letter-decisions']) {
    run(`../../../../progress/sqlite/migrations/${step}.sql`);
  }
  for (const step of ['001-taste', '002-wanted', '003-last-commit']) run(`migrations/${step}.sql`);
  file.exec('PRAGMA user_version = 5');
  return file;
}

describe('a state of version 0.1', () => {
  it('opens with all its facts, and holds the id of no reader', async () => {
    const folder = makeTemporaryFolder();
    const path = join(folder, 'recommendation.sqlite');
    const old = createOldFile(path);
    old.prepare('INSERT INTO book VALUES (1, 3, 7, \'{"id":1}\')').run();
    const like = old.prepare("INSERT INTO liking VALUES ('reader-' || ?, 1, 2, 10)");
    for (let number = 0; number < 500; number++) like.run(String(number));
    old.prepare("INSERT INTO verdict VALUES ('reader-7', 2, 'wanted', 1, 20, 'a/1')").run();
    old.prepare("INSERT INTO search VALUES ('reader-7', 'emma', '[4]', 30, 'a/2')").run();
    const hashOfNine = '8ab97b0e4b4dc08e3a3a2a5d1b1d1b4a';
    old.prepare('INSERT INTO forgotten VALUES (?, 40)').run(hashOfNine.repeat(2));
    old.close();
    assert.match(await readFile(path, 'latin1'), /reader-7/);

    const store = openSqliteRecommendationStore(path, options);
    assert.deepEqual(await store.taste('reader-7'), {
      liked: [{ bookId: 1, strength: 2, time: 10 }],
      searches: [{ query: 'emma', bookIds: [4], time: 30 }],
      verdicts: [{ bookId: 2, verdict: 'wanted', time: 20 }],
    });
    assert.equal((await store.readersSince(0, 600)).length, 500);
    assert.deepEqual(await store.booksSince(0, 9), [{ bookId: 1, changeNumber: 7, book: { id: 1 } }]);
    await store.close();

    const file = new DatabaseSync(path);
    const forgotten = file.prepare('SELECT hex(reader) AS reader, until_ms FROM forgotten').all();
    assert.deepEqual({ ...forgotten[0] }, { reader: hashOfNine.toUpperCase(), until_ms: 40 });
    file.close();
    assert.doesNotMatch(await readFile(path, 'latin1'), /reader-\d/);
  });
});
