import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { until } from '../../../../../test/support/until.ts';
import { SamsaError } from '../../../../errors.ts';
import { decodeBookChanged, type BookChanged } from '../../../../events/book-changed.ts';
import { decodeEnvelope } from '../../../../events/envelope.ts';
import type { StoredRecord } from '../../../../events/record.ts';
import type { EventLog } from '../../../../log/log.ts';
import { openLog } from '../../../../log/open-log.ts';
import { defaultTopicNames } from '../../../../events/topics.ts';
import type { BookContent, OpenCatalogue } from '../catalogue.ts';
import { emptyContent } from '../stored-book.ts';
import { startOutboxRelay, type OutboxRelay } from './outbox-relay.ts';

const topic = defaultTopicNames.changes;
const longMs = 20_000;

/** Opens connections to one fresh, empty catalogue, each as a process of its own would have it. */
export type CatalogueToRelay = {
  readonly open: () => Promise<OpenCatalogue>;
  readonly remove: () => Promise<void>;
};

type Shop = {
  readonly open: OpenCatalogue;
  readonly another: () => Promise<OpenCatalogue>;
  readonly log: EventLog;
  readonly relayOf: (
    owner: string,
    overrides?: { open?: OpenCatalogue; log?: EventLog; leaseMs?: number },
  ) => OutboxRelay;
  readonly records: () => Promise<readonly StoredRecord[]>;
};

async function openShop(stack: AsyncDisposableStack, makeCatalogue: () => Promise<CatalogueToRelay>): Promise<Shop> {
  const folder = await mkdtemp(join(tmpdir(), 'samsa-relay-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const log = await openLog(
    { kind: 'sqlite', path: join(folder, 'log.sqlite'), topics: defaultTopicNames, partitions: 4 },
    { clock: Date.now, busyTimeoutMs: 50 },
  );
  stack.defer(() => log.close());
  const catalogue = await makeCatalogue();
  stack.defer(catalogue.remove);
  const another = async (): Promise<OpenCatalogue> => stack.use(await catalogue.open());
  const open = await another();
  const relayOf: Shop['relayOf'] = (owner, overrides = {}) => {
    const relay = startOutboxRelay({
      outbox: (overrides.open ?? open).outbox,
      log: overrides.log ?? log,
      topic,
      owner,
      clock: Date.now,
      logger: pino({ level: 'silent' }),
      ...(overrides.leaseMs !== undefined && { leaseMs: overrides.leaseMs }),
    });
    stack.defer(relay.close);
    return relay;
  };
  return { open, another, log, relayOf, records: () => readAll(log) };
}

async function readAll(log: EventLog): Promise<readonly StoredRecord[]> {
  const { id, partitions } = await log.describe(topic);
  const reads = partitions.map((_, partition) =>
    log.read({
      topic,
      topicId: id,
      partition,
      from: 0,
      maxBytes: 1 << 24,
      waitMs: 0,
      signal: new AbortController().signal,
    }),
  );
  return (await Promise.all(reads)).flatMap(({ records }) => records);
}

function book(number: number): BookContent {
  return { ...emptyContent, title: `Book ${number}`, author: 'Somebody' };
}

const byBook = (one: BookChanged, other: BookChanged): number =>
  one.bookId - other.bookId || one.version - other.version;

/** What carries changes from any outbox to the log; run it once per technology. */
export function outboxRelayContract(technology: string, makeCatalogue: () => Promise<CatalogueToRelay>): void {
  const test = (name: string, body: (shop: Shop) => Promise<void>): void => {
    it(name, async () => {
      await using stack = new AsyncDisposableStack();
      await body(await openShop(stack, makeCatalogue));
    });
  };

  describe(`the outbox relay in ${technology}`, () => {
    test('carries every change to the log, with version and the time it happened', async ({
      open,
      relayOf,
      records,
    }) => {
      await open.catalogue.add(book(1));
      const [waiting] = await open.outbox.read({ maxRows: 1, maxBytes: 1 });
      const relay = relayOf('a');
      await relay.drain(longMs);
      await open.catalogue.change(1, book(2));
      await open.catalogue.change(1, null);
      await relay.drain(longMs);
      const changes = (await records()).map((record) => decodeBookChanged(record));
      assert.deepEqual(
        changes.map(({ bookId, version, book }) => [bookId, version, book?.title ?? null]),
        [
          [1, 1, 'Book 1'],
          [1, 2, 'Book 2'],
          [1, 3, null],
        ],
      );
      const envelope = decodeEnvelope((await records())[0]!.headers);
      assert.equal(envelope?.time, waiting?.changedMs);
      assert.deepEqual(relay.problems(), []);
    });

    test('relays thousands of rows, each once', async ({ open, relayOf, records }) => {
      const run = open.catalogue.startImport('s');
      for (let batch = 0; batch < 10; batch++) {
        const rows = Array.from({ length: 200 }, (_, at) => ({
          sourceId: `${batch}/${at}`,
          fields: book(batch * 200 + at),
        }));
        await run.merge(rows);
      }
      await relayOf('a').drain(longMs);
      assert.equal((await records()).length, 2_000);
    });

    test('relays what another process changed', async ({ another, relayOf, records }) => {
      const relay = relayOf('a');
      await (await another()).catalogue.add(book(1));
      await relay.drain(longMs);
      assert.equal((await records()).length, 1);
    });

    test('keeps changes while the log is away, says so, and delivers afterwards', async (shop) => {
      let isAway = true;
      const log: EventLog = {
        ...shop.log,
        append: async (records) => {
          if (isAway) throw new SamsaError('store-unavailable', 'away', { retryable: true });
          return shop.log.append(records);
        },
      };
      await shop.open.catalogue.add(book(1));
      const relay = shop.relayOf('a', { log });
      await assert.rejects(relay.drain(0), { code: 'store-unavailable' });
      await until('it says so', () => relay.problems().length > 0);
      assert.deepEqual(relay.problems(), ['log-unavailable']);
      isAway = false;
      await relay.drain(longMs);
      await until('it says so no longer', () => relay.problems().length === 0);
      assert.equal((await shop.records()).length, 1);
    });

    test('delivers everything when two relays share the work, and after the holder has died', async (shop) => {
      await shop.open.outbox.lease('dead', 300);
      const other = await shop.another();
      const relays = [shop.relayOf('a'), shop.relayOf('b', { open: other })];
      for (let number = 1; number <= 50; number++) {
        await (number % 2 === 0 ? shop.open : other).catalogue.add(book(number));
      }
      await Promise.all(relays.map((relay) => relay.drain(longMs)));
      const changes = (await shop.records()).map((record) => decodeBookChanged(record)).sort(byBook);
      assert.deepEqual(
        [...new Set(changes.map(({ bookId }) => bookId))],
        Array.from({ length: 50 }, (_, at) => at + 1),
      );
    });

    test('waits for the batch in flight when closed and keeps what came after it', async (shop) => {
      const gate = Promise.withResolvers<void>();
      const appending = Promise.withResolvers<void>();
      const log: EventLog = {
        ...shop.log,
        append: async (records) => {
          appending.resolve();
          await gate.promise;
          return shop.log.append(records);
        },
      };
      await shop.open.catalogue.add(book(1));
      const relay = shop.relayOf('a', { log });
      await appending.promise;
      await shop.open.catalogue.add(book(2));
      const closing = relay.close();
      gate.resolve();
      await closing;
      assert.equal((await shop.records()).length, 1);
      assert.equal(await shop.open.outbox.size(), 1);
      assert.equal(await shop.open.outbox.lease('next', 1_000), true);
    });
  });
}
