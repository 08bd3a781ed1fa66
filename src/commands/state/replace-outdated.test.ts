import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { it } from 'node:test';
import { reasonsOf } from '../../../test/support/ask-shop.ts';
import { joinLog, readWithOlderProgram, searchRecord } from '../../../test/support/older-program.ts';
import { startShop, type Shop } from '../../../test/support/start-shop.ts';
import { makeTemporaryFolder } from '../../../test/support/temporary-folder.ts';
import { until } from '../../../test/support/until.ts';
import { loadConfig, type Config } from '../../config/config.ts';
import { text } from '../../events/envelope.ts';
import { discardDeadLetters } from '../dead-letters.ts';
import { shopFiles } from './shop-locations.ts';

const answer = '[{"id":1,"title":"Emma","author":"Jane Austen"}]';

/** What 23895c6 and every program before it keep of their progress in a state file. */
const earlierProgress = `
  CREATE TABLE projection (name TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE instance (
    projection TEXT NOT NULL, instance TEXT NOT NULL, seen_ms INTEGER NOT NULL, PRIMARY KEY (projection, instance)
  ) WITHOUT ROWID;
  CREATE TABLE position (
    projection TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, topic_id TEXT NOT NULL,
    first INTEGER NOT NULL, next INTEGER NOT NULL, log_end INTEGER NOT NULL, arrived_ms INTEGER NOT NULL DEFAULT 0,
    fingerprint TEXT, applied INTEGER NOT NULL DEFAULT 0, duplicate INTEGER NOT NULL DEFAULT 0,
    dead INTEGER NOT NULL DEFAULT 0, late INTEGER NOT NULL DEFAULT 0, gap INTEGER NOT NULL DEFAULT 0,
    compacted INTEGER NOT NULL DEFAULT 0, instance TEXT, leased_until_ms INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (projection, topic, partition)
  ) WITHOUT ROWID;
  CREATE TABLE dead_letter (
    id INTEGER PRIMARY KEY, projection TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL,
    log_offset INTEGER NOT NULL, arrived_ms INTEGER NOT NULL, key BLOB, value BLOB, headers BLOB NOT NULL,
    reason TEXT NOT NULL, cause TEXT NOT NULL DEFAULT 'bad-event', status TEXT NOT NULL DEFAULT 'waiting',
    settled_ms INTEGER, UNIQUE (projection, topic, partition, log_offset)
  );
  PRAGMA user_version = 4;
`;

function newShop(): Config {
  return loadConfig({ environment: { SAMSA_DATA: join(makeTemporaryFolder(), 'data') } }).config;
}

function change(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

/** How many searches of each query are counted, once everything in the log is; null for an unknown query. */
async function countedIn(shop: Shop, ...queries: readonly string[]): Promise<readonly unknown[]> {
  await until('everything is counted', async () => {
    return (
      (await reasonsOf(shop.trend)).length === 0 &&
      (await (await fetch(`${shop.trend}/trends`)).text()).includes('emma')
    );
  });
  return Promise.all(
    queries.map(async (query) => {
      const response = await fetch(`${shop.trend}/trends/${encodeURIComponent(query)}`);
      const { searches = null } = (await response.json()) as { searches?: number };
      return searches;
    }),
  );
}

it('replaces states of an older version, which are then read again from the log, and keeps what was discarded', async () => {
  const config = newShop();
  const files = shopFiles(config);
  const log = await joinLog(config);
  const queries = ['emma jane', 'emma', 'emma', 'emma austen'];
  await log.append(queries.map((query, at) => searchRecord(config, query, `reader${at}`, answer)));
  await readWithOlderProgram(config, log, 'emma ');
  await log.close();
  const ignore = (): void => {};
  await discardDeadLetters({ config, print: ignore, warn: ignore }, [], { reason: 'emma jane' });
  change(files.trend, 'UPDATE projection SET version = 1; DELETE FROM hourly; DELETE FROM daily');
  change(files.recommendation, 'UPDATE projection SET version = 0');
  let shop = await startShop(config.data);
  try {
    assert.deepEqual(await countedIn(shop, ...queries), [null, 2, 2, 1]);
    for (const what of ['trend', 'recommendation'] as const) {
      assert.match(shop.output(), new RegExp(`^samsa: ${what}: the state is of version \\d, .* rebuilt from`, 'm'));
      assert.ok(existsSync(`${files[what]}.before-rebuild`));
    }
    await shop.stop('SIGTERM');
    shop = await startShop(config.data);
    assert.deepEqual(await countedIn(shop, ...queries), [null, 2, 2, 1]);
    assert.doesNotMatch(shop.output(), /rebuilt/);
  } finally {
    await shop.stop('SIGTERM');
  }
});

it('reads what was discarded from a state file as earlier programs wrote it', async () => {
  const config = newShop();
  const { trend } = shopFiles(config);
  const log = await joinLog(config);
  const topic = config.mq.topics.searches;
  await log.append(['emma', 'emma jane'].map((query) => searchRecord(config, query, 'reader', answer)));
  const { signal } = new AbortController();
  const { id, partitions } = await log.describe(topic);
  change(trend, `${earlierProgress} INSERT INTO projection VALUES ('trend-svr', 1)`);
  for (const [partition, { start, end }] of partitions.entries()) {
    const { records } = await log.read({
      topic,
      topicId: id,
      partition,
      from: start,
      maxBytes: 10_000,
      waitMs: 0,
      signal,
    });
    const bad = records.find(({ key }) => text(key!).startsWith('emma jane'));
    const [at, position] = [`'trend-svr', '${topic}', ${partition}`, `'${id}', ${start}, ${end}, ${end}`];
    const columns = 'projection, topic, partition';
    change(trend, `INSERT INTO position (${columns}, topic_id, first, next, log_end) VALUES (${at}, ${position})`);
    if (bad === undefined) continue;
    const values = `${at}, ${bad.offset}, ${bad.timestamp}, x'0100', 'bad', 'discarded'`;
    const named = `${columns}, log_offset, arrived_ms, headers, reason, status`;
    change(trend, `INSERT INTO dead_letter (${named}) VALUES (${values})`);
  }
  await log.close();
  const shop = await startShop(config.data);
  try {
    assert.deepEqual(await countedIn(shop, 'emma', 'emma jane'), [1, null]);
  } finally {
    await shop.stop('SIGTERM');
  }
});

it('leaves a state alone that another process has open, and says so', async () => {
  const config = newShop();
  const { trend } = shopFiles(config);
  const log = await joinLog(config);
  await log.append([searchRecord(config, 'emma', 'reader', answer)]);
  await readWithOlderProgram(config, log, '-');
  await log.close();
  change(trend, 'UPDATE projection SET version = 1');
  const open = new DatabaseSync(trend);
  open.exec('SELECT count(*) FROM projection');
  try {
    const shop = await startShop(config.data);
    assert.match(shop.output(), /trend: the state could not be checked or replaced: .*no process has open/);
    await until('readiness says why', async () => (await reasonsOf(shop.trend)).includes('state-outdated'));
    await shop.stop('SIGTERM');
  } finally {
    open.close();
  }
});
