import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { makeTemporaryFolder } from '../../../../test/support/temporary-folder.ts';
import { openSqlite } from '../../../sqlite/connection.ts';
import { bookChangedRecord } from '../../../events/book-changed.ts';
import { createEventSource } from '../../../events/envelope.ts';
import { readerActionRecord } from '../../../events/reader-action.ts';
import type { NewRecord } from '../../../events/record.ts';
import { defaultTopicNames as topics, topicRetention } from '../../../events/topics.ts';
import { compactRecords } from '../../../log/sqlite/retention.ts';
import { openSqliteLog } from '../../../log/sqlite/log.ts';
import { logMigrations } from '../../../log/sqlite/topics.ts';
import { runProjection } from '../../../projection/run-projection.ts';
import { dayMs } from '../../../runtime/time.ts';
import { createRecommendationProjection } from '../recommendation-projection.ts';
import type { BookRenewal, RecommendationStore } from './recommendation-store.ts';

const minuteMs = 60_000;
const firstDay = 20_000;
const never = new AbortController().signal;

/** A log and the state of a service that reads it now and then. */
type Given = {
  readonly append: (day: number, ...records: readonly NewRecord[]) => Promise<void>;
  /** Removes from the log what need not be kept that day. */
  readonly compact: (day: number) => Promise<void>;
  /**
   * Starts the service that day, lets it read everything, looks, and stops it. @returns how often the books were
   * renewed.
   */
  readonly serve: (day: number, look: (store: RecommendationStore) => Promise<void>) => Promise<number>;
};

function change(bookId: number, version: number, title: string | null): NewRecord {
  const book = title === null ? null : { id: bookId, title, author: 'Anonymous' };
  return bookChangedRecord(
    topics.changes,
    createEventSource('shop', () => firstDay * dayMs),
    { bookId, version, book },
  );
}

/** By id, as changed after this number; `null` for what is removed. */
async function titles(store: RecommendationStore, since = 0): Promise<Readonly<Record<number, string | null>>> {
  const rows = await store.booksSince(since, 100);
  return Object.fromEntries(rows.map(({ bookId, book }) => [bookId, book?.title ?? null]));
}

/** An empty state, which is opened several times. */
type RenewedState = {
  readonly open: (clock: () => number, books: BookRenewal) => Promise<RecommendationStore>;
  readonly remove: () => Promise<void>;
};

async function withShop(state: RenewedState, body: (given: Given) => Promise<void>): Promise<void> {
  const folder = makeTemporaryFolder();
  let nowMs = firstDay * dayMs;
  const clock = (): number => nowMs;
  const log = openSqliteLog(join(folder, 'log.sqlite'), { clock, busyTimeoutMs: 50 });
  for (const name of ['searches', 'actions', 'changes'] as const) {
    await log.create(topics[name], { partitions: 1, ...topicRetention[name] });
  }
  try {
    await body({
      append: async (day, ...records) => {
        nowMs = (firstDay + day) * dayMs;
        await log.append(records);
      },
      compact: async (day) => {
        const database = openSqlite(join(folder, 'log.sqlite'), { migrations: logMigrations, busyTimeoutMs: 50 });
        await compactRecords(database, (firstDay + day) * dayMs + 10 * minuteMs, never);
        database.close();
      },
      serve: async (day, look) => {
        nowMs = (firstDay + day) * dayMs;
        let renewals = 0;
        const store = await state.open(clock, { topic: topics.changes, onRenewal: () => renewals++ });
        const running = runProjection({
          log,
          progress: store,
          projection: createRecommendationProjection('taste', topics),
          instance: `day-${day}`,
          clock,
          logger: pino({ level: 'silent' }),
        });
        try {
          assert.ok(await running.caughtUp(20_000));
          await look(store);
        } finally {
          await running.close();
          await store.close();
        }
        return renewals;
      },
    });
  } finally {
    await log.close();
    await state.remove();
  }
}

/** How old a copy of the books may be; run it once per technology. */
export function booksAreRenewed(technology: string, openOne: () => Promise<RenewedState>): void {
  describe(`a copy of the books in ${technology}`, () => {
    const test = (behaviour: string, body: (given: Given) => Promise<void>): void =>
      void it(behaviour, { timeout: 60_000 }, async () => withShop(await openOne(), body));

    test('older than 30 days is read again, as the log may no longer say what was removed', async (given) => {
      await given.append(0, change(1, 1, 'Emma'), change(2, 1, 'Persuasion'), change(3, 1, 'Sanditon'));
      const acted = readerActionRecord(
        topics.actions,
        createEventSource('shop', () => firstDay * dayMs),
        'ann',
        {
          action: 'opened',
          book_id: 2,
        },
      );
      await given.append(0, acted);
      let seen = 0;
      await given.serve(0, async (store) => {
        assert.deepEqual(await titles(store), { 1: 'Emma', 2: 'Persuasion', 3: 'Sanditon' });
        seen = Math.max(...(await store.booksSince(0, 100)).map(({ changeNumber }) => changeNumber));
      });
      await given.append(1, change(1, 2, null));
      await given.compact(1);
      await given.compact(32);
      const renewals = await given.serve(32, async (store) => {
        assert.deepEqual(await titles(store, seen), { 1: null, 2: 'Persuasion', 3: 'Sanditon' });
        assert.equal((await store.taste('ann')).liked[0]?.bookId, 2);
        const changes = (await store.positions('taste')).find(({ topic }) => topic === topics.changes);
        assert.deepEqual([changes?.first, changes?.next], [0, 4]);
        assert.deepEqual([changes?.outcomes.applied, changes?.outcomes.compacted], [2, 2]);
      });
      assert.equal(renewals, 1);
      assert.equal(await given.serve(33, async () => {}), 0);
    });

    test('that is not older is continued', async (given) => {
      await given.append(0, change(1, 1, 'Emma'), change(2, 1, 'Persuasion'));
      await given.serve(0, async () => {});
      await given.append(1, change(1, 2, null));
      await given.compact(1);
      await given.compact(30);
      const renewals = await given.serve(30, async (store) => {
        assert.deepEqual(await titles(store), { 1: null, 2: 'Persuasion' });
      });
      assert.equal(renewals, 0);
    });
  });
}
