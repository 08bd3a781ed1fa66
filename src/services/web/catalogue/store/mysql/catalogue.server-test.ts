import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { TestDatabase } from '../../../../../../test/servers/database-server.ts';
import { startDatabase } from '../../../../../../test/servers/start-database.ts';
import { until } from '../../../../../../test/support/until.ts';
import { openMysql } from '../../../../../mysql/database.ts';
import { SamsaError } from '../../../../../errors.ts';
import { changingBooks } from '../../tutorial-table/adoption.ts';
import { catalogueContract } from '../catalogue.contract.ts';
import { openMysqlCatalogue } from './catalogue.ts';
import { emptyContent, type BookContent } from '../../stored-book.ts';
import type { OpenCatalogue } from '../../catalogue.ts';
import type { SourcedBook } from '../../import-run.ts';
import { outboxRelayContract } from '../../outbox/outbox-relay.contract.ts';

const startMs = Date.parse('2026-01-02T03:04:05.678Z');
const everything = { maxRows: 100_000, maxBytes: 1 << 26 };
const book = (title: string): BookContent => ({ ...emptyContent, title });

const server = await startDatabase();
after(server.stop);

describe('the catalogue in MySQL', () => {
  const open = (place: TestDatabase, clock: () => number = Date.now): Promise<OpenCatalogue> =>
    openMysqlCatalogue(place, { clock, onNotAdopted: (problem) => assert.fail(problem) });

  catalogueContract('MySQL', async () => {
    const place = await server.createDatabase();
    let nowMs = startMs;
    const another = (): Promise<OpenCatalogue> =>
      openMysqlCatalogue(place, {
        clock: () => nowMs,
        leaseClock: async () => nowMs,
        onNotAdopted: (problem) => assert.fail(problem),
      });
    const opened = await another();
    return { open: opened, another, passMs: (ms) => void (nowMs += ms), close: opened.close };
  });

  outboxRelayContract('MySQL', async () => {
    const place = await server.createDatabase();
    return { open: () => open(place) };
  });

  it('lets several processes import the same list, and has every book once', async () => {
    const place = await server.createDatabase();
    const shops = await Promise.all([open(place), open(place), open(place)]);
    const batches = Array.from({ length: 10 }, (_, batch) =>
      Array.from({ length: 50 }, (_, at) => ({ sourceId: `${batch}/${at}`, fields: { title: `Book ${batch} ${at}` } })),
    );
    await Promise.all(
      shops.map(async ({ catalogue }) => {
        const run = catalogue.startImport('s');
        for (const batch of batches) await run.merge(batch);
      }),
    );
    assert.deepEqual(await shops[0].catalogue.census(), { books: 500, everHeld: 500 });
    assert.equal((await shops[0].outbox.read(everything)).length, 500);
    for (const shop of shops) await shop.close();
  });

  it('reads a change that became visible after later ones had been relayed and removed', async () => {
    const place = await server.createDatabase();
    await using shop = await open(place);
    const database = await openMysql(place, { migrations: [] });
    const gate = Promise.withResolvers<void>();
    const early = Promise.withResolvers<void>();
    const slow = database.transaction(async (connection) => {
      await connection.change("INSERT INTO catalogue_outbox VALUES (NULL, 99, 1, 0, '{}')");
      early.resolve();
      await gate.promise;
    });
    await early.promise;
    await shop.catalogue.add(book('Later'));
    const [later] = await shop.outbox.read(everything);
    await shop.outbox.remove([later!.id]);
    assert.deepEqual(await shop.outbox.read(everything), []);
    const changed = shop.outbox.changed(60_000, new AbortController().signal);
    gate.resolve();
    await slow;
    await changed;
    const [earlier] = await shop.outbox.read(everything);
    assert.deepEqual([earlier?.change.bookId, earlier!.id < later!.id], [99, true]);
    await database.close();
  });

  it('takes over from a process that stopped in the middle of a change', async () => {
    const place = await server.createDatabase();
    await using shop = await open(place);
    await shop.catalogue.add(book('Before'));
    const frozen = await openMysql({ ...place, tablePrefix: 'catalogue_' }, { migrations: [] });
    const woken = Promise.withResolvers<void>();
    const stopped = Promise.withResolvers<void>();
    let runs = 0;
    const change = frozen.exclusive(changingBooks, async (connection) => {
      await connection.change("UPDATE books SET title = CONCAT(title, '!') WHERE id = 1");
      if (++runs > 1) return;
      stopped.resolve();
      await woken.promise;
      await connection.change("UPDATE books SET title = CONCAT(title, '?') WHERE id = 1");
    });
    await stopped.promise;
    assert.equal((await shop.catalogue.change(1, book('After'))).version, 2);
    woken.resolve();
    await change;
    assert.equal((await shop.catalogue.get(1))?.title, 'After!');
    await frozen.close();
  });

  it('imports on from where it was when the database was killed, nothing twice and nothing lost', async () => {
    const place = await server.createDatabase();
    await using shop = await open(place);
    const batch = (from: number): readonly SourcedBook[] =>
      Array.from({ length: 50 }, (_, at) => ({ sourceId: String(from + at), fields: { title: `Book ${from + at}` } }));
    let restarted: Promise<void> | null = null;
    let run = shop.catalogue.startImport('s');
    for (let from = 0; from < 1_000; from += 50) {
      const merging = tryAgain(() => run.merge(batch(from)));
      if (from === 500) restarted = server.kill().then(server.restart);
      await merging;
    }
    await restarted;
    run = shop.catalogue.startImport('s');
    const again = await run.merge(batch(480));
    assert.deepEqual(new Set(again.map(({ outcome }) => outcome)), new Set(['unchanged']));
    assert.deepEqual(await shop.catalogue.census(), { books: 1_000, everHeld: 1_000 });
    const changes = (await shop.outbox.read(everything)).map(({ change }) => change);
    assert.deepEqual([changes.length, new Set(changes.map(({ version }) => version)).size], [1_000, 1]);
    assert.equal((await shop.catalogue.add(book('Next'))).bookId > 1_000, true);
  });

  it('opens while the database is away, says so, and sells as soon as it is back', async () => {
    const place = await server.createDatabase();
    await server.kill();
    const told: (string | undefined)[] = [];
    await using shop = await openMysqlCatalogue(place, {
      clock: Date.now,
      onProblem: (problem) => told.push(problem?.code),
      onNotAdopted: (problem) => assert.fail(problem),
    });
    await assert.rejects(shop.catalogue.add(book('Early')), { code: 'store-unavailable', retryable: true });
    await assert.rejects(openMysqlCatalogue(place, { clock: Date.now, onNotAdopted: () => {} }), { retryable: true });
    await server.restart();
    assert.equal((await tryAgain(() => shop.catalogue.add(book('First')))).bookId, 1);
    assert.deepEqual(told, ['store-unavailable', undefined]);
  });

  it('never gives the id of a removed book again, also after the server has started again', async () => {
    const place = await server.createDatabase();
    await using shop = await open(place);
    const { bookId } = await shop.catalogue.add(book('Last'));
    await shop.catalogue.change(bookId, null);
    await server.restart();
    // TiDB gives out ids in blocks, and a new block after a restart.
    assert.ok((await tryAgain(() => shop.catalogue.add(book('Next')))).bookId > bookId);
  });

  it('says that books other tables refer to cannot be removed', async () => {
    const place = await server.createDatabase();
    await using shop = await open(place);
    await shop.catalogue.add(book('Read'));
    await server.ask(
      `CREATE TABLE ${place.database}.review (book BIGINT UNSIGNED, FOREIGN KEY (book) REFERENCES books (id))`,
    );
    await server.ask(`INSERT INTO ${place.database}.review VALUES (1)`);
    await assert.rejects(shop.catalogue.change(1, null), { code: 'bad-request', message: /refer to it/ });
    assert.equal((await shop.catalogue.get(1))?.title, 'Read');
  });
});

/** Tries again while the error is one that may pass. */
async function tryAgain<Result>(body: () => Promise<Result>): Promise<Result> {
  let result: { readonly value: Result } | null = null;
  await until(
    'the database is back',
    async () => {
      try {
        result = { value: await body() };
        return true;
      } catch (error) {
        if (error instanceof SamsaError && error.retryable) return false;
        throw error;
      }
    },
    60_000,
  );
  return result!.value;
}
