import assert from 'node:assert/strict';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { makeTemporaryFolder } from '../../../../../test/support/temporary-folder.ts';
import type { DatabaseServer, TestDatabase } from '../../../../../test/servers/database-server.ts';
import { startDatabase } from '../../../../../test/servers/start-database.ts';
import { trendState, trendStateInMysql } from '../../../../../test/support/trend-state.ts';
import { until } from '../../../../../test/support/until.ts';
import { openMysql } from '../../../../mysql/database.ts';
import type { DeadLetter, ProgressCommit } from '../../../../progress/progress.ts';
import { hourMs } from '../../../../runtime/time.ts';
import { createRecentCounts } from '../../answers/recent-counts.ts';
import { readerNumber, type CountedSearch } from '../../trend-projection.ts';
import { createQueryLocks, type QueryRow } from './queries.ts';
import { openMysqlTrendStore } from './trend-store.ts';
import { openSqliteTrendStore } from '../sqlite/trend-store.ts';
import type { TrendStore } from '../trend-store.ts';
import { trendStoreContract } from '../trend-store.contract.ts';
import { sumsOf, type TrendStoreUnderTest } from '../trend-store-under-test.contract.ts';

const startMs = 20_000 * 24 * hourMs;
const partitions = [0, 1, 2].map((partition) => ({ topic: 't', partition, topicId: 'i', start: 0, end: 0 }));
const keys = ['dune', 'émile', 'c++', 'x '.repeat(2_000), '雪国'];

function search(overrides: Partial<CountedSearch> = {}): CountedSearch {
  const time = overrides.time ?? startMs;
  return {
    kind: 'search',
    queryKey: 'dune',
    label: 'Dune',
    hour: Math.floor(time / hourMs),
    reader: readerNumber('ann'),
    anonymous: false,
    time,
    corrected: null,
    books: Buffer.from('[]'),
    place: 0,
    lead: null,
    unanswered: false,
    ...overrides,
  };
}

/** Everything the port can say, by key instead of by the store's own numbers. */
async function stateOf(store: TrendStore, nowMs: number): Promise<unknown> {
  const nowHour = Math.floor(nowMs / hourMs);
  const state: unknown[] = [];
  for (const hours of [3, 24, 7 * 24, 30 * 24]) {
    state.push(await sumsOf(store, nowHour - hours));
  }
  for (const key of keys) {
    const query = await store.find(key);
    if (query === null) continue;
    state.push(await store.daily(query, Math.floor(nowHour / 24) - 29));
    const described = await store.describe([query], nowHour);
    state.push(described.map((description) => ({ ...description, query: 0 })));
  }
  return state;
}

/** Commits to whatever partition, each of one store, and keeps account of the offsets. */
function createCommitter(instance: string) {
  const next = new Map<number, number>();
  return async (
    store: TrendStore,
    partition: number,
    arrivedMs: number,
    changes: readonly CountedSearch[],
    deadLetters: readonly DeadLetter[] = [],
  ): Promise<void> => {
    const expected = next.get(partition) ?? 0;
    next.set(partition, expected + changes.length);
    const commit: ProgressCommit<CountedSearch> = {
      projection: 'p',
      instance,
      topic: 't',
      partition,
      expected,
      next: expected + changes.length,
      end: expected + changes.length,
      arrivedMs,
      fingerprint: null,
      outcomes: { applied: changes.length, duplicate: 0, dead: 0, late: 0, gap: 0, compacted: 0 },
      changes,
      deadLetters,
      marks: new Map(),
    };
    assert.equal(await store.commit(commit), true);
  };
}

async function leaseAll(store: TrendStore, instance: string): Promise<readonly number[]> {
  const leased = await store.lease({ projection: 'p', version: 1, instance, ttlMs: 60_000, partitions });
  return leased.map(({ partition }) => partition);
}

/** A port that passes everything on to another one, and can cut every connection at once. */
async function openCutLine(port: number) {
  const sockets = new Set<Socket>();
  const line = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => void line.listen(0, '127.0.0.1', resolve));
  const cut = (): void => sockets.forEach((socket) => socket.destroy());
  return {
    port: (line.address() as AddressInfo).port,
    cut,
    close: (): void => {
      cut();
      line.close();
    },
  };
}

let server: DatabaseServer;
before(async () => {
  server = await startDatabase();
});
after(() => server.stop());

async function openInNewDatabase(): Promise<TrendStoreUnderTest> {
  const place = await server.createDatabase();
  const stores = [await openMysqlTrendStore(place)];
  return {
    store: stores[0]!,
    another: async () => {
      const store = await openMysqlTrendStore(place);
      stores.push(store);
      return store;
    },
    close: async () => {
      for (const store of stores) await store.close();
    },
  };
}

trendStoreContract('MySQL', openInNewDatabase, 3);

describe('counts in MySQL', () => {
  /** Two instances on one new database: `a` has partitions 0 and 1, `b` has 2. */
  const withTwo = async (body: (a: TrendStore, b: TrendStore, place: TestDatabase) => Promise<void>): Promise<void> => {
    const place = await server.createDatabase();
    const [a, b] = [await openMysqlTrendStore(place), await openMysqlTrendStore(place)];
    try {
      await leaseAll(a, 'a');
      await leaseAll(b, 'b');
      assert.deepEqual([await leaseAll(a, 'a'), await leaseAll(b, 'b')], [[0, 1], [2]]);
      await body(a, b, place);
    } finally {
      await a.close();
      await b.close();
    }
  };

  const searches = fc.record({
    queryKey: fc.constantFrom(...keys),
    label: fc.constantFrom('Dune', 'dune ', 'DUNE', '雪'),
    reader: fc.constantFrom('ann', 'bob', 'bob ', 'Ann', null),
    anonymous: fc.boolean(),
    ageMs: fc.oneof(fc.constantFrom(0, 1, hourMs), fc.integer({ min: 0, max: 7 * 24 * hourMs })),
    place: fc.constantFrom(0, 1, 4, 2 ** 29),
    lead: fc.constantFrom(null, 1, 2),
    unanswered: fc.boolean(),
    corrected: fc.constantFrom(null, 'dune', 'dunes'),
    books: fc.constantFrom('[]', '[{"id":1}]', '[{"id":2}]'),
  });
  const batches = fc.array(
    fc.record({
      partition: fc.nat({ max: 2 }),
      laterMs: fc.constantFrom(0, 1, hourMs, 30 * hourMs, 9 * 24 * hourMs),
      searches: fc.array(searches, { minLength: 1, maxLength: 8 }),
    }),
    { minLength: 1, maxLength: 25 },
  );

  it('are those of SQLite, whatever is counted and forgotten', async () => {
    const folder = makeTemporaryFolder();
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(batches, async (given) => {
        const path = join(folder, `${++runs}.sqlite`);
        const sqlite = openSqliteTrendStore(path, { clock: Date.now, busyTimeoutMs: 1_000 });
        try {
          await leaseAll(sqlite, 'lone');
          await withTwo(async (a, b, place) => {
            const [toSqlite, byA, byB] = ['lone', 'a', 'b'].map(createCommitter);
            let arrivedMs = startMs;
            for (const batch of given) {
              arrivedMs += batch.laterMs;
              const changes = batch.searches.map(({ ageMs, books, reader, ...one }) => {
                const time = arrivedMs - ageMs;
                const counts = ageMs <= 24 * hourMs;
                return search({
                  ...one,
                  time,
                  reader: counts && reader !== null ? readerNumber(reader) : null,
                  books: Buffer.from(books),
                });
              });
              await toSqlite!(sqlite, batch.partition, arrivedMs, changes);
              await (batch.partition === 2
                ? byB!(b, 2, arrivedMs, changes)
                : byA!(a, batch.partition, arrivedMs, changes));
            }
            assert.deepEqual(await stateOf(b, arrivedMs), await stateOf(sqlite, arrivedMs));
            assert.equal(await trendStateInMysql(server.ask, place.database), trendState(path));
          });
        } finally {
          await sqlite.close();
        }
      }),
      { numRuns: 40 },
    );
  });

  it('count a reader once per query and hour when two instances count the same one at once', async () => {
    await withTwo(async (a, b) => {
      const [byA, byB] = ['a', 'b'].map(createCommitter);
      const readers = Array.from({ length: 300 }, (_, number) => search({ reader: number }));
      await Promise.all([byA!(a, 0, startMs, readers), byB!(b, 2, startMs, readers.toReversed())]);
      const totals = await a.totals(startMs / hourMs);
      assert.deepEqual(
        totals.map(({ readers, searches }) => [readers, searches]),
        [[300, 600]],
      );
    });
  });

  it('find the row of a query that another instance adds after they have looked for it', async () => {
    await withTwo(async (_a, _b, place) => {
      const database = await openMysql(place, { migrations: [] });
      const wanted = new Set(['dune']);
      let first: ReadonlyMap<string, QueryRow> | null = null;
      const second = await database.transaction((connection) => {
        const rows: typeof connection.rows = async (...statement) => {
          const found = await connection.rows(...statement);
          first ??= await database.transaction((other) => createQueryLocks().lock(other, wanted));
          return found;
        };
        return createQueryLocks().lock({ ...connection, rows }, wanted);
      });
      assert.equal(second.size, 1);
      assert.deepEqual(second, first);
      await database.close();
    });
  });

  it('find the row of a query that another instance has removed since, and added under another number', async () => {
    await withTwo(async (_a, _b, place) => {
      const database = await openMysql(place, { migrations: [] });
      const locks = createQueryLocks();
      const lock = async () => {
        const rows = await database.transaction((connection) => locks.lock(connection, new Set(['dune', 'emma'])));
        return [rows.get('dune')!.id, rows.get('emma')!.id] as const;
      };
      const [first, other] = await lock();
      assert.deepEqual(await lock(), [first, other]);
      await database.connected((connection) => connection.change('DELETE FROM state.query WHERE id = ?', [first]));
      const [second] = await lock();
      assert.ok(second > other);
      // As a database does that was restored.
      await database.connected((connection) => connection.change('DELETE FROM state.query WHERE id = ?', [second]));
      await database.connected((connection) =>
        connection.change('UPDATE state.query SET id = ? WHERE id = ?', [second, other]),
      );
      const [third, moved] = await lock();
      assert.equal(moved, second);
      assert.notEqual(third, second);
      await database.close();
    });
  });

  it('can be followed from another instance, search by search', async () => {
    await withTwo(async (a, b) => {
      const [byA, byB] = ['a', 'b'].map(createCommitter);
      const hour = startMs / hourMs;
      const followed = createRecentCounts(b);
      assert.equal(await followed.refresh(hour), 'all');
      for (let round = 0; round < 5; round++) {
        const changes = keys.map((queryKey) => search({ queryKey, reader: round % 3 }));
        await Promise.all([byA!(a, 0, startMs, changes), byA!(a, 1, startMs, changes), byB!(b, 2, startMs, changes)]);
        assert.notEqual(await followed.refresh(hour), 'all');
        const expected = (await a.totals(hour)).map(({ query, readers, searches }) => [query, readers, searches]);
        const known = expected.map(([query]) => followed.sumsOf(query!));
        assert.deepEqual(
          known.map(({ list24, searches24 }, at) => [expected[at]![0], list24, searches24]),
          expected,
        );
      }
      assert.deepEqual(await followed.refresh(hour), new Set());
    });
  });

  it('are read again by an instance that is too far behind', async () => {
    await withTwo(async (a, b) => {
      const byA = createCommitter('a');
      const revision = await b.counts(0, () => () => {});
      const changes = Array.from({ length: 1_000 }, (_, number) => search({ queryKey: `query ${number}` }));
      for (let commit = 0; commit < 4; commit++) await byA(a, 0, startMs, changes);
      assert.equal((await b.countedSince(revision))?.counts.length, 4_000);
      for (let commit = 0; commit < 32; commit++) await byA(a, 0, startMs, changes);
      assert.equal((await b.countedSince(revision))?.counts.length, undefined);
      const later = { revision: await b.counts(0, () => () => {}) };
      assert.equal((await b.countedSince(later.revision))?.counts.length, 0);
      assert.equal(await b.countedSince(12_345), null);
    });
  });

  it('are the same when the connection is lost while they are read', async () => {
    await withTwo(async (a, _b, place) => {
      const byA = createCommitter('a');
      const times = [startMs, startMs + hourMs];
      for (const time of times) await byA(a, 0, time, [search({ time })]);
      const line = await openCutLine(place.port);
      const store = await openMysqlTrendStore({ ...place, port: line.port });
      let isCut = false;
      const followed = createRecentCounts({
        ...store,
        counts: (fromHour, begin) =>
          store.counts(fromHour, () => {
            const take = begin();
            return (count) => {
              take(count);
              if (!isCut) line.cut();
              isCut = true;
            };
          }),
      });
      try {
        await followed.refresh(times[1]! / hourMs);
        assert.equal(followed.sumOf((await a.find('dune'))!, 'searches24'), 2);
      } finally {
        await store.close();
        line.close();
      }
    });
  });

  it('count a redriven search once, and pass it on to followers', async () => {
    await withTwo(async (a, b) => {
      const byA = createCommitter('a');
      const letter = {
        timestamp: startMs,
        key: null,
        value: null,
        headers: [],
        cause: 'bad-event',
        reason: 'bad',
      } as const;
      await byA(
        a,
        0,
        startMs,
        [search()],
        [
          { ...letter, offset: 0 },
          { ...letter, offset: 1 },
        ],
      );
      const revision = await b.counts(0, () => () => {});
      const redrive = (offset: number, change: CountedSearch) =>
        b.settle({
          projection: 'p',
          version: 1,
          topic: 't',
          partition: 0,
          offset,
          become: { status: 'redriven', change },
        });
      assert.deepEqual([await redrive(0, search()), await redrive(0, search())], [true, false]);
      await byA(a, 0, startMs, [search({ reader: readerNumber('bob') })]);
      const since = await b.countedSince(revision);
      assert.deepEqual(
        since?.counts.map(({ readers, searches }) => [readers, searches]),
        [
          [0, 1],
          [1, 1],
        ],
      );
      await assert.rejects(redrive(1, search({ time: startMs - 26 * hourMs })), { code: 'too-late-to-redrive' });
      assert.equal((await b.totals(0))[0]?.searches, 3);
    });
  });

  it('are complete after the server was killed in the middle of a commit', async () => {
    await withTwo(async (a, _, place) => {
      const byA = createCommitter('a');
      await byA(a, 0, startMs, [search()]);
      const changes = Array.from({ length: 5_000 }, (_, number) => search({ reader: number }));
      const cut = byA(a, 0, startMs, changes).then(
        () => 'committed',
        () => 'cut',
      );
      await until('it is at work or done', async () => {
        const running = JSON.stringify(await server.ask('SHOW PROCESSLIST'));
        return running.includes('INTO `') || (await a.positions('p'))[0]?.next !== 1;
      });
      await server.kill();
      await cut;
      await server.restart();
      const again = await openMysqlTrendStore(place);
      try {
        const [position] = await again.positions('p');
        const counted = (await again.totals(0))[0];
        assert.equal(counted?.searches, position?.next);
        assert.equal(counted?.readers, position?.next);
      } finally {
        await again.close();
      }
    });
  });
});
