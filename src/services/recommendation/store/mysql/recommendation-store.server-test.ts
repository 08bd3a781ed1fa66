import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { DatabaseServer, TestDatabase } from '../../../../../test/servers/database-server.ts';
import { startDatabase } from '../../../../../test/servers/start-database.ts';
import { tasteState, tasteStateOfMysql } from '../../../../../test/support/taste-state.ts';
import { makeTemporaryFolder } from '../../../../../test/support/temporary-folder.ts';
import { until } from '../../../../../test/support/until.ts';
import { tasteIsAlike, tasteIsOrderFree, type TasteStateUnderTest } from '../order-free.contract.ts';
import type { TasteChange } from '../../recommendation-projection.ts';
import { recommendationStoreContract } from '../recommendation-store.contract.ts';
import { booksAreRenewed } from '../renew-books.contract.ts';
import { openSqliteRecommendationStore } from '../sqlite/recommendation-store.ts';
import { openMysqlRecommendationStore } from './recommendation-store.ts';
import type { RecommendationStore } from '../recommendation-store.ts';

let server: DatabaseServer;
before(async () => {
  server = await startDatabase();
});
after(() => server.stop());

recommendationStoreContract('MySQL', async () => {
  const place = await server.createDatabase();
  const another = () => openMysqlRecommendationStore(place, { clock: () => 0 });
  const store = await another();
  return { store, another, close: store.close };
});

async function openMysqlState(): Promise<TasteStateUnderTest> {
  const place = await server.createDatabase();
  return {
    open: () => openMysqlRecommendationStore(place, { clock: () => 0 }),
    state: () => tasteStateOfMysql(server.ask, place.database),
    remove: async () => void (await server.ask(`DROP DATABASE ${place.database}`)),
  };
}

async function openSqliteState(): Promise<TasteStateUnderTest> {
  const folder = makeTemporaryFolder();
  const path = join(folder, 'taste.sqlite');
  return {
    open: async () => openSqliteRecommendationStore(path, { clock: () => 0, busyTimeoutMs: 1_000 }),
    state: async () => tasteState(path),
    remove: () => rm(folder, { recursive: true }),
  };
}

tasteIsOrderFree('MySQL', { runs: 15 }, openMysqlState);
tasteIsAlike({ runs: 15 }, openSqliteState, openMysqlState);

booksAreRenewed('MySQL', async () => {
  const place = await server.createDatabase();
  return {
    open: (clock, books) => openMysqlRecommendationStore(place, { clock, books }),
    remove: async () => void (await server.ask(`DROP DATABASE ${place.database}`)),
  };
});

const partitions = [0, 1].map((partition) => ({ topic: 't', partition, topicId: 'i', start: 0, end: 0 }));

/** Two instances on one new database, each with its own partition to commit to. */
async function withTwo(
  body: (commits: readonly Commit[], stores: readonly RecommendationStore[], place: TestDatabase) => Promise<void>,
): Promise<void> {
  const place = await server.createDatabase();
  const stores = [
    await openMysqlRecommendationStore(place, { clock: () => 0 }),
    await openMysqlRecommendationStore(place, { clock: () => 0 }),
  ];
  const lease = (number: number) =>
    stores[number]!.lease({ projection: 'p', version: 1, instance: `${number}`, ttlMs: 60_000, partitions });
  try {
    await lease(0);
    await lease(1);
    await lease(0);
    assert.deepEqual(await lease(1), [{ topic: 't', partition: 1 }]);
    await body(stores.map(committer), stores, place);
  } finally {
    for (const store of stores) await store.close();
  }
}

type Commit = (changes: readonly TasteChange[]) => Promise<void>;

function committer(store: RecommendationStore, number: number): Commit {
  let next = 0;
  return async (changes) => {
    const expected = next++;
    const committed = await store.commit({
      projection: 'p',
      instance: `${number}`,
      topic: 't',
      partition: number,
      expected,
      next,
      end: next,
      arrivedMs: 1_000,
      fingerprint: null,
      outcomes: { applied: 1, duplicate: 0, dead: 0, late: 0, gap: 0, compacted: 0 },
      changes: [changes],
      deadLetters: [],
      marks: new Map(),
    });
    assert.equal(committed, true);
  };
}

const liked = (reader: string, bookId: number, time: number, strength = 2): TasteChange => {
  return { kind: 'liked', reader, bookId, strength, time };
};
const judged = (reader: string, bookId: number, time: number, tieBreak: string, holds: boolean): TasteChange => {
  return { kind: 'judged', reader, bookId, verdict: 'wanted', holds, time, tieBreak };
};
const book = (bookId: number, version: number): TasteChange => {
  return { kind: 'book', change: { bookId, version, book: { id: bookId, title: `${version}`, author: 'x' } } };
};
const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, number) => number);

describe('taste in MySQL, written by two instances at once', () => {
  it('keeps the strongest signal, the latest time and the last verdict of both', async () => {
    await withTwo(async ([one, other], [store]) => {
      for (let round = 0; round < 10; round++) {
        const early = numbers(200).flatMap((id) => [liked(`r${id}`, 1, 10), judged(`r${id}`, 2, 20, 's/1', false)]);
        const late = numbers(200).flatMap((id) => [liked(`r${id}`, 1, 30), judged(`r${id}`, 2, 20, 's/2', true)]);
        await Promise.all([
          one!(round % 2 === 0 ? early : late),
          other!((round % 2 === 0 ? late : early).toReversed()),
        ]);
      }
      for (const reader of ['r0', 'r199']) {
        const { liked: likings, verdicts } = await store!.taste(reader);
        assert.deepEqual(likings, [{ bookId: 1, strength: 2, time: 30 }]);
        assert.deepEqual(verdicts, [{ bookId: 2, verdict: 'wanted', time: 20 }]);
      }
      assert.equal((await store!.readersSince(0, 1_000)).length, 200);
    });
  });

  it('forgets a reader completely while the other instance stores what they did', async () => {
    await withTwo(async ([one, other], [store]) => {
      for (const round of numbers(20)) {
        const reader = `reader ${round}`;
        const did = numbers(50).map((bookId) => liked(reader, bookId, bookId));
        await Promise.all([one!([{ kind: 'forgotten', reader, time: 40 }]), other!(did)]);
        const left = (await store!.taste(reader)).liked.map(({ bookId }) => bookId).sort((a, b) => a - b);
        assert.deepEqual(left, numbers(50).slice(41), reader);
      }
    });
  });

  it('gives followers of the books every change, in the order the changes became visible', async () => {
    await withTwo(async ([one, other], [, follower]) => {
      const seen = new Map<number, string>();
      let [reached, isOver] = [0, false];
      const follow = async (): Promise<void> => {
        for (const row of await follower!.booksSince(reached, 7)) {
          assert.ok(row.changeNumber > reached);
          reached = row.changeNumber;
          seen.set(row.bookId, String(row.book?.title));
        }
      };
      const following = (async () => {
        while (!isOver) await follow();
      })();
      for (const version of numbers(60)) {
        const [mine, theirs] = [numbers(40), numbers(40).toReversed()];
        await Promise.all([
          one!(mine.map((id) => book(id, 2 * version + 1))),
          other!(theirs.map((id) => book(id + 20, 2 * version + 2))),
        ]);
      }
      isOver = true;
      await following;
      await until('the follower has read to the end', async () => {
        await follow();
        return (await follower!.booksSince(reached, 1)).length === 0;
      });
      const expected = numbers(60).map((id) => [id, id < 20 ? '119' : '120']);
      assert.deepEqual(
        [...seen].toSorted(([a], [b]) => a - b),
        expected,
      );
    });
  });

  it('is complete after the server was killed in the middle of a commit', async () => {
    await withTwo(async ([one], [store], place) => {
      await one!([liked('ann', 0, 1)]);
      const cut = one!(numbers(20_000).map((id) => liked(`reader ${id}`, 1, 1))).then(
        () => 'committed',
        () => 'cut',
      );
      await until('it is at work or done', async () => {
        const running = JSON.stringify(await server.ask('SHOW PROCESSLIST'));
        return running.includes('INTO `liking`') || (await store!.positions('p'))[0]?.next !== 1;
      });
      await server.kill();
      await cut;
      await server.restart();
      const again = await openMysqlRecommendationStore(place, { clock: () => 0 });
      try {
        const [position] = await again.positions('p');
        const readers = await again.readersSince(0, 30_000);
        assert.equal(readers.length, position?.next === 1 ? 1 : 20_001);
      } finally {
        await again.close();
      }
    });
  });
});
