import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { makeTemporaryFolder } from '../../../../../test/support/temporary-folder.ts';
import { until } from '../../../../../test/support/until.ts';
import { SamsaError } from '../../../../errors.ts';
import { decodeBookChanged, type BookChanged } from '../../../../events/book-changed.ts';
import { decodeEnvelope } from '../../../../events/envelope.ts';
import type { StoredRecord } from '../../../../events/record.ts';
import type { EventLog } from '../../../../log/log.ts';
import { openLog } from '../../../../log/open-log.ts';
import { defaultTopicNames } from '../../../../events/topics.ts';
import { dayMs } from '../../../../runtime/time.ts';
import { emptyContent, type BookContent } from '../stored-book.ts';
import type { OpenCatalogue } from '../catalogue.ts';
import { putMissingAgain } from './changes-in-log.ts';
import type { Outbox } from './outbox.ts';
import { startOutboxRelay, type OutboxRelay } from './outbox-relay.ts';

const topic = defaultTopicNames.changes;
const longMs = 20_000;

/** Opens connections to one empty catalogue, each as another process would. */
type CatalogueToRelay = {
  readonly open: () => Promise<OpenCatalogue>;
};

type Shop = {
  readonly open: OpenCatalogue;
  readonly another: () => Promise<OpenCatalogue>;
  readonly log: EventLog;
  readonly relayOf: (
    owner: string,
    overrides?: { open?: OpenCatalogue; log?: EventLog; leaseMs?: number; waitingMs?: number },
  ) => OutboxRelay;
  readonly records: () => Promise<readonly StoredRecord[]>;
};

async function openShop(stack: AsyncDisposableStack, makeCatalogue: () => Promise<CatalogueToRelay>): Promise<Shop> {
  const folder = makeTemporaryFolder();
  const log = await openLog(
    { kind: 'sqlite', path: join(folder, 'log.sqlite'), topics: defaultTopicNames, partitions: 4 },
    { clock: Date.now, busyTimeoutMs: 50 },
  );
  stack.defer(() => log.close());
  const catalogue = await makeCatalogue();
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
      ...(overrides.waitingMs !== undefined && { waitingMs: overrides.waitingMs }),
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

type HangingLog = {
  readonly log: EventLog;
  /** Resolves when the first append hangs. */
  readonly hangs: Promise<void>;
  /** Lets it through. */
  readonly goOn: () => void;
};

/** As when brokers are away: keeps an append until they are back. */
function hanging(log: EventLog): HangingLog {
  const gate = Promise.withResolvers<void>();
  const appending = Promise.withResolvers<void>();
  const append: EventLog['append'] = async (records) => {
    appending.resolve();
    await gate.promise;
    await log.append(records);
  };
  return { log: { ...log, append }, hangs: appending.promise, goOn: gate.resolve };
}

/** The same connection, with another answer to who asks for the lease. */
function leasing({ outbox, ...open }: OpenCatalogue, lease: (ask: Outbox['lease']) => Outbox['lease']): OpenCatalogue {
  return { ...open, outbox: { ...outbox, lease: lease(outbox.lease) } };
}

async function versionsOf(records: Shop['records'], bookId: number): Promise<readonly (number | 'removed')[]> {
  const changes = (await records()).map((record) => decodeBookChanged(record));
  return changes.filter((change) => change.bookId === bookId).map(({ version, book }) => (book ? version : 'removed'));
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
          if (isAway) throw new SamsaError('log-unavailable', 'away', { retryable: true });
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

    test('brings what an older log lacks into the log again', async (shop) => {
      const { catalogue } = shop.open;
      for (let number = 1; number <= 4; number++) await catalogue.add(book(number));
      const relay = shop.relayOf('a');
      await relay.drain(longMs);
      await relay.close();
      assert.equal(await putMissingAgain(shop.open, shop.log, topic), 0);
      await catalogue.change(1, { ...book(1), description: 'x'.repeat(1_000) });
      await catalogue.change(2, null);
      const lost = await shop.open.outbox.read({ maxRows: 10, maxBytes: 1 << 20 });
      await shop.open.outbox.remove(lost.map(({ id }) => id));
      assert.equal(await putMissingAgain(shop.open, shop.log, topic), 2);
      await shop.relayOf('b').drain(longMs);
      assert.equal(await putMissingAgain(shop.open, shop.log, topic), 0);
      assert.deepEqual(await versionsOf(shop.records, 1), [1, 2]);
      assert.deepEqual(await versionsOf(shop.records, 2), [1, 'removed']);
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

    test('lets no other relay take over while an append hangs for longer than the lease', async (shop) => {
      const leaseMs = 2_000;
      const { log, hangs, goOn } = hanging(shop.log);
      await shop.open.catalogue.add(book(1));
      const relay = shop.relayOf('a', { log, leaseMs });
      await hangs;
      await shop.open.catalogue.change(1, null);
      let refused = 0;
      const open = leasing(await shop.another(), (ask) => async (...request) => {
        const isOurs = await ask(...request);
        if (!isOurs) refused++;
        return isOurs;
      });
      shop.relayOf('b', { open, leaseMs });
      // It asks again after 250 ms: more often than one lease has room for.
      await until('it is refused or appends', async () => refused > 10 || (await shop.records()).length > 0);
      assert.deepEqual(await shop.records(), []);
      goOn();
      await relay.drain(longMs);
      assert.deepEqual(await versionsOf(shop.records, 1), [1, 'removed']);
    });

    test('leaves the newest version of a book last when it was frozen for longer than the lease', async (shop) => {
      let isFrozen = false;
      const open = leasing(shop.open, (ask) => async (...request) => {
        if (isFrozen) throw new SamsaError('store-unavailable', 'frozen', { retryable: true });
        return ask(...request);
      });
      const { log, hangs, goOn } = hanging(shop.log);
      const run = shop.open.catalogue.startImport('s');
      await run.merge([1, 2].map((number) => ({ sourceId: `${number}`, fields: book(number) })));
      const frozen = shop.relayOf('a', { open, log, leaseMs: 300 });
      await hangs;
      isFrozen = true;
      await shop.open.catalogue.change(1, book(3));
      await shop.open.catalogue.change(2, null);
      await shop.relayOf('b', { open: await shop.another() }).drain(longMs);
      isFrozen = false;
      goOn();
      await until('the newest versions are in the log again', async () => (await shop.records()).length === 8);
      await frozen.drain(longMs);
      assert.deepEqual(await versionsOf(shop.records, 1), [1, 2, 1, 2]);
      assert.deepEqual(await versionsOf(shop.records, 2), [1, 'removed', 1, 'removed']);
    });

    test('says when the outbox does not move because another relay holds the lease', async (shop) => {
      await shop.open.catalogue.add(book(1));
      await shop.open.outbox.lease('frozen', 50_000);
      const relay = shop.relayOf('a', { waitingMs: 1 });
      await until('it says so', () => relay.problems().includes('outbox-waiting'));
      await shop.open.outbox.lease('frozen', 0);
      await relay.drain(longMs);
      await until('it says so no longer', () => relay.problems().length === 0);
    });

    test('does not believe a lease that ends further ahead than any lease lasts', async (shop) => {
      await shop.open.catalogue.add(book(1));
      await shop.open.outbox.lease('ahead', dayMs);
      await shop.relayOf('a').drain(longMs);
      assert.equal((await shop.records()).length, 1);
    });

    test('gives up its lease when closed, also where an append never ends', async (shop) => {
      const { log, hangs, goOn } = hanging(shop.log);
      await shop.open.catalogue.add(book(1));
      const relay = shop.relayOf('a', { log, leaseMs: 300 });
      await hangs;
      await relay.close();
      await until('another one takes over', () => shop.open.outbox.lease('next', 1_000)).finally(goOn);
    });

    test('waits for the batch in flight when closed and keeps what came after it', async (shop) => {
      const { log, hangs, goOn } = hanging(shop.log);
      await shop.open.catalogue.add(book(1));
      const relay = shop.relayOf('a', { log });
      await hangs;
      await shop.open.catalogue.add(book(2));
      const closing = relay.close();
      goOn();
      await closing;
      assert.equal((await shop.records()).length, 1);
      assert.equal(await shop.open.outbox.size(), 1);
      assert.equal(await shop.open.outbox.lease('next', 1_000), true);
    });
  });
}
