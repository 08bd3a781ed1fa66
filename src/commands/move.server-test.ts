import assert from 'node:assert/strict';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import type { DatabaseServer } from '../../test/servers/database-server.ts';
import { startBroker } from '../../test/servers/kafka-broker.ts';
import { startMariaDb } from '../../test/servers/mariadb.ts';
import { startDatabase } from '../../test/servers/start-database.ts';
import { answerAlike } from '../../test/support/answer-alike.ts';
import { readWholeTopic } from '../../test/support/read-whole-topic.ts';
import { makeSmallDisk } from '../../test/support/small-disk.ts';
import { spawnSamsa, startShop } from '../../test/support/start-shop.ts';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import { until } from '../../test/support/until.ts';
import { bookSearchedRecord } from '../events/book-searched.ts';
import { createEventSource } from '../events/envelope.ts';
import { readerActionRecord } from '../events/reader-action.ts';
import { defaultTopicNames as topics } from '../events/topics.ts';
import { openSqliteLog } from '../log/sqlite/log.ts';
import { emptyContent } from '../services/web/catalogue/stored-book.ts';
import { openMysqlCatalogue } from '../services/web/catalogue/store/mysql/catalogue.ts';
import { openSqliteCatalogue } from '../services/web/catalogue/store/sqlite/catalogue.ts';

/** `MOVE_BOOKS=10000 MOVE_EVENTS=200000 node --test src/commands/move.server-test.ts` is the long form. */
const addedBooks = Number(process.env['MOVE_BOOKS'] ?? 100);
const addedEvents = Number(process.env['MOVE_EVENTS'] ?? 2_000);
/** A list of trends looks at a thousand queries of equal score, and no more. */
const queries = 600;
const readers = 500;
const patienceMs = 120_000;
/** By what is printed after a step, or by a table of the target that has rows. */
const interruptions = [
  ['catalogue_book', 'move'],
  ['catalogue_book', 'database'],
  [/^catalogue: .* copied now/m, 'move'],
  [/^catalogue: .* copied now/m, 'broker'],
  [/^lr-book-searches: [\d,]+ events/m, 'move'],
  [/^lr-reader-actions: [\d,]+ events/m, 'broker'],
  [/^lr-operator-actions: [\d,]+ events/m, 'move'],
  ['trend_hourly', 'move'],
  ['trend_hourly', 'database'],
  ['recommendation_book', 'move'],
  ['recommendation_book', 'database'],
] as const;
const token = 'operator-token-for-tests';
const headers = { authorization: `Bearer ${token}` };

let broker: Awaited<ReturnType<typeof startBroker>>;
let server: DatabaseServer;
let folder: string;
before(async () => {
  folder = makeTemporaryFolder();
  [broker, server] = await Promise.all([startBroker(), startDatabase()]);
  await fillShop(join(folder, 'filled'));
});
after(async () => {
  await Promise.all([broker.stop(), server.stop()]);
});

it('moves a shop to Kafka and a database, killed on the way, with nothing lost', { timeout: 900_000 }, async (test) => {
  const place = await server.createDatabase();
  const { old, config } = await prepareMove('moved', place);
  const looked = await move(old, config, ['--dry-run']);
  assert.match(looked.output, /^catalogue: [\d,]+ books.*\nlr-book-searches: [\d,]+ events[^]*this was a dry run/m);
  for (const [step, what] of interruptions) {
    await interruptedMove(
      old,
      config,
      step instanceof RegExp ? step : () => hasRows(`${place.database}.${step}`),
      what,
    );
  }
  await refusesNewerTables(old, config, `${place.database}.catalogue_schema_version`);
  const moved = await move(old, config, []);
  test.diagnostic(moved.output);
  assertMoved(moved);
  for (const state of ['trend', 'recommendation']) {
    await refusesNewerTables(old, config, `${place.database}.${state}_schema_version`);
  }
  const again = await move(old, config, []);
  assert.match(again.output, /^catalogue: [\d,]+ books, removed ones included; 0 copied now/m);
  const { asked, filled } = await compareAnswers(old, `${old}-new`, place);
  test.diagnostic(`${asked} answers are the same, ${filled} of them are not empty`);
  await compareBooks(join(old, 'catalogue.sqlite'), place);
});

it('refuses a database that has other books, and changes nothing', { timeout: 600_000 }, async () => {
  const place = await server.createDatabase();
  const { old, config } = await prepareMove('refused', place);
  const catalogue = await openMysqlCatalogue(place, { clock: Date.now, onNotAdopted: () => {} });
  await catalogue.catalogue.add({ ...emptyContent, title: 'Another' });
  await catalogue.close();
  const { code, output } = await move(old, config, []);
  assert.deepEqual([code, /expected no books.*found others/.test(output)], [1, true], output);
});

it('refuses topics that have other events, or another number of partitions', { timeout: 600_000 }, async () => {
  const place = await server.createDatabase();
  const { old, config } = await prepareMove('foreign', place);
  const refused = async (why: RegExp): Promise<void> => {
    const { code, output } = await move(old, config, []);
    assert.deepEqual([code, why.test(output)], [1, true], output);
  };
  // The shop that was moved here has been searched since.
  await refused(/lr-book-searches\/\d: expected an empty topic.*found other events/);
  for (const topic of Object.values(topics)) await broker.deleteTopic(topic);
  await broker.createTopic(topics.searches, 3);
  await refused(/lr-book-searches: expected 4 partitions.*found 3/);
  for (const topic of Object.values(topics)) await broker.deleteTopic(topic);
});

it('stops when the disk of the database is full, and goes on when it is not', { timeout: 600_000 }, async () => {
  const disk = makeSmallDisk(300);
  const small = await startMariaDb(['--innodb-log-file-size=8M'], disk.folder);
  try {
    const place = await small.createDatabase();
    const { old, config } = await prepareMove('cramped', place);
    disk.fill();
    const stopped = await move(old, config, []);
    assert.equal(stopped.code, 1, stopped.output);
    disk.free();
    assertMoved(await move(old, config, []));
    await compareBooks(join(old, 'catalogue.sqlite'), place);
  } finally {
    await small.stop();
    disk.remove();
  }
});

/** @returns the data folder of a shop, and the configuration to move it with. */
async function prepareMove(name: string, { dsn }: { readonly dsn: string }) {
  const [old, config] = [join(folder, name), join(folder, `${name}.yml`)];
  await cp(join(folder, 'filled'), old, { recursive: true });
  const settings = {
    data: join(folder, `${name}-new`),
    mq: { brokers: broker.brokers },
    db: { dsn },
    log: { level: 'warn' },
  };
  await writeFile(config, JSON.stringify(settings));
  return { old, config };
}

async function refusesNewerTables(old: string, config: string, version: string): Promise<void> {
  await server.ask(`UPDATE ${version} SET version = version + 100`);
  const { code, output } = await move(old, config, []);
  assert.deepEqual([code, /A newer Samsa/.test(output)], [1, true], output);
  await server.ask(`UPDATE ${version} SET version = version - 100`);
}

function assertMoved({ code, output }: { readonly code: number | null; readonly output: string }): void {
  assert.equal(code, 0, output);
  for (const what of ['trend', 'recommendation']) assert.match(output, new RegExp(`^${what}: equal to the old`, 'm'));
}

/**
 * A shop that has sold, changed and removed books, was searched by several readers, and has an event it cannot read.
 */
async function fillShop(data: string): Promise<void> {
  const shop = await startShop(data, { SAMSA_APP_OPERATOR_TOKEN: token }, patienceMs);
  const added = await fetch(`${shop.web}/api/books`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ title: 'The Removed', author: 'Nobody Known' }),
  });
  assert.equal(added.status, 201, await added.clone().text());
  const { id } = (await added.json()) as { id: number };
  assert.ok((await fetch(`${shop.web}/api/books/${id}`, { method: 'DELETE', headers })).ok);
  const simulated = spawnSamsa(
    ['simulate', '--rate', '60', '--readers', '20', '--duration', '5', '--seed', '7'],
    data,
    { SAMSA_APP_PORT: new URL(shop.web).port, SAMSA_TREND_PORT: new URL(shop.trend).port },
  );
  assert.equal(await simulated.ended, 0, simulated.output());
  assert.equal(await shop.stop('SIGTERM'), 0);
  await addBooks(data);
  await addEvents(data);
  const again = await startShop(data, {}, patienceMs);
  await until('all is counted', () => isCounted(data), 300_000);
  assert.equal(await again.stop('SIGTERM'), 0);
}

async function addBooks(data: string): Promise<void> {
  const list = join(data, '..', 'list.csv');
  const rows = Array.from({ length: addedBooks }, (_, number) => `Volume ${number},Author ${number % 900}`);
  await writeFile(list, ['title,author', ...rows].join('\n'));
  const imported = spawnSamsa(['import', list, '--keep-demo'], data);
  assert.equal(await imported.ended, 0, imported.output());
}

/** Searches and actions, straight into the log, which takes them faster than the shop is searched. */
async function addEvents(data: string): Promise<void> {
  const log = openSqliteLog(join(data, 'log.sqlite'), { clock: Date.now, busyTimeoutMs: 5_000 });
  const source = createEventSource('list', Date.now);
  for (let sent = 0; sent < addedEvents; sent += 1_000) {
    const records = Array.from({ length: Math.min(1_000, addedEvents - sent) }, (_, at) => {
      const number = ((sent + at) * 7) % queries;
      const value = Buffer.from(JSON.stringify([{ id: 1 + number, title: `Volume ${number}`, author: 'An Author' }]));
      const search = { query: `volume ${number}`, reader: `reader-${((sent + at) * 13) % readers}`, value };
      return bookSearchedRecord(topics.searches, source, { ...search, weight: 1, corrected: null, total: 1 });
    });
    await log.append(records);
  }
  const opened = Array.from({ length: 400 }, (_, number) => {
    const bookId = 1 + (Math.floor(number / 100) * 10 + (number % 10));
    return readerActionRecord(topics.actions, source, `reader-${number % 100}`, { action: 'opened', book_id: bookId });
  });
  await log.append(opened);
  const unreadable = { key: Buffer.from('unreadable'), value: Buffer.from('no books'), headers: [] };
  await log.append([{ topic: topics.searches, ...unreadable }]);
  await log.close();
}

async function isCounted(data: string): Promise<boolean> {
  const status = spawnSamsa(['status', '--json'], data);
  await status.ended;
  // A line of the log before the answer means that the shop is still starting.
  if (!status.output().startsWith('{')) return false;
  const { projections } = JSON.parse(status.output()) as { projections: readonly { lag_events: number }[] };
  return projections.length === 3 && projections.every(({ lag_events }) => lag_events === 0);
}

async function move(data: string, config: string, options: readonly string[]) {
  const moving = spawnSamsa(['move', '--to', config, ...options], data);
  return { code: await moving.ended, output: moving.output() };
}

/** Kills the move, or a server of its target, when it has printed this or the condition holds. */
async function interruptedMove(
  data: string,
  config: string,
  step: RegExp | (() => Promise<boolean>),
  what: 'move' | 'database' | 'broker',
): Promise<void> {
  const moving = spawnSamsa(['move', '--to', config], data);
  let ended = false;
  void moving.ended.then(() => (ended = true));
  const isReached = step instanceof RegExp ? async () => step.test(moving.output()) : step;
  await until('the move is under way', async () => ended || (await isReached()), patienceMs);
  if (what === 'move') moving.process.kill('SIGKILL');
  else {
    const target = what === 'database' ? server : broker;
    await target.kill();
    await target.restart();
  }
  await moving.ended;
}

async function hasRows(table: string): Promise<boolean> {
  const found = await server.ask(`SELECT COUNT(*) AS held FROM ${table}`).catch(() => null);
  return found !== null && (found as { held: number }[])[0]!.held > 0;
}

/** Opens the old shop beside the new one and asks both the same. */
async function compareAnswers(old: string, moved: string, { dsn }: { readonly dsn: string }) {
  const settings = { SAMSA_APP_OPERATOR_TOKEN: token, SAMSA_APP_RATE_LIMIT: '0' };
  const place = { SAMSA_MQ_BROKERS: broker.brokers.join(','), SAMSA_DB_DSN: dsn };
  const log = openSqliteLog(join(old, 'log.sqlite'), { clock: Date.now, busyTimeoutMs: 5_000 });
  const acting = (await readWholeTopic(log, topics.actions)).flat().map(({ key }) => Buffer.from(key!).toString());
  await log.close();
  const [one, other] = [
    await startShop(old, settings, patienceMs),
    await startShop(moved, { ...settings, ...place }, patienceMs),
  ];
  try {
    return await answerAlike(one, other, { headers, readers: [...new Set(acting)], withinMs: patienceMs });
  } finally {
    await Promise.all([one.stop('SIGTERM'), other.stop('SIGTERM')]);
  }
}

async function compareBooks(path: string, place: Parameters<typeof openMysqlCatalogue>[0]): Promise<void> {
  const old = openSqliteCatalogue(path, { clock: Date.now, busyTimeoutMs: 1_000 });
  const moved = await openMysqlCatalogue(place, { clock: Date.now, onNotAdopted: assert.fail });
  try {
    const census = await old.catalogue.census();
    assert.deepEqual(await moved.catalogue.census(), census);
    for (let id = 1; id <= census.everHeld; id++) {
      assert.deepEqual(await moved.catalogue.get(id), await old.catalogue.get(id));
    }
    const next = await moved.catalogue.add({ ...emptyContent, title: 'The Next' });
    assert.ok(next.bookId > census.everHeld);
  } finally {
    await old.close();
    await moved.close();
  }
}
