import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import { until } from '../../test/support/until.ts';
import { startCheckpoints } from '../sqlite/checkpoints.ts';
import { openSqlite } from '../sqlite/connection.ts';
import { defaultTopicNames } from '../events/topics.ts';
import { logChores, openLog, type LogLocation } from './open-log.ts';
import { logMigrations } from './sqlite/topics.ts';

const options = { clock: () => 1, busyTimeoutMs: 50 };

function newLog(): Extract<LogLocation, { kind: 'sqlite' }> {
  return { kind: 'sqlite', path: join(makeTemporaryFolder(), 'log.sqlite'), topics: defaultTopicNames, partitions: 3 };
}

void it('makes the four topics with the periods they are kept for', async () => {
  const location = newLog();
  const log = await openLog(location, options);
  await log.close();
  const database = openSqlite(location.path, { migrations: logMigrations, busyTimeoutMs: 50 });
  const rows = database
    .prepare(
      `SELECT name, retention_ms / 86400000 AS days, compacted, count(*) AS partitions FROM topic
       JOIN partition ON topic_id = id GROUP BY name ORDER BY name`,
    )
    .all();
  database.close();
  assert.deepEqual(
    rows.map((row) => Object.values(row)),
    [
      ['lr-book-changes', 0, 1, 3],
      ['lr-book-searches', 35, 0, 3],
      ['lr-operator-actions', 0, 0, 3],
      ['lr-reader-actions', 365, 0, 3],
    ],
  );
});

void it('says which topic has an impossible number of partitions', async () => {
  const location = newLog();
  await assert.rejects(
    openLog({ ...location, partitions: 0 }, options),
    /lr-book-searches: expected at least one partition/,
  );
});

void it('lets the checkpoint thread remove what has expired', { timeout: 30_000 }, async () => {
  const location = newLog();
  const log = await openLog(location, options);
  const topic = defaultTopicNames.searches;
  await log.append([{ topic, key: null, value: null, headers: [] }]);
  const problems: string[] = [];
  const checkpoints = startCheckpoints([location.path], {
    onProblem: ({ message }) => problems.push(message),
    chores: logChores(location).map((chore) => ({ ...chore, everyMs: 20 })),
  });
  await until('what has expired is removed', async () => {
    const { partitions } = await log.describe(topic);
    if (partitions.some(({ start }) => start === 1)) return true;
    assert.deepEqual(problems, []);
    return false;
  });
  await checkpoints.close();
  await log.close();
});
