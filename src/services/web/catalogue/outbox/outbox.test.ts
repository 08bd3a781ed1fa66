import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { makeTemporaryFolder } from '../../../../../test/support/temporary-folder.ts';
import { until } from '../../../../../test/support/until.ts';
import { openSqliteCatalogue } from '../store/sqlite/catalogue.ts';
import type { OpenCatalogue } from '../catalogue.ts';
import { createOutboxPace, type Outbox } from './outbox.ts';

const longMs = 60_000;

/** Opens a shop with this many rows in its outbox, and no relay. */
function test(name: string, rows: number, body: (shop: OpenCatalogue) => Promise<void>): void {
  it(name, async () => {
    const folder = makeTemporaryFolder();
    const shop = openSqliteCatalogue(join(folder, 'catalogue.sqlite'), { clock: Date.now, busyTimeoutMs: 50 });
    try {
      const books = Array.from({ length: rows }, (_, at) => ({ sourceId: `${at}`, fields: { title: `Title ${at}` } }));
      await shop.catalogue.startImport('list').merge(books);
      await body(shop);
    } finally {
      await shop.close();
    }
  });
}

async function removeOldest(outbox: Outbox, count: number): Promise<void> {
  const rows = await outbox.read({ maxRows: count, maxBytes: 1 << 20 });
  await outbox.remove(rows.map(({ id }) => id));
}

describe('the pace of an import', () => {
  test('holds nobody up while few changes wait', 10, async ({ outbox }) => {
    await createOutboxPace(outbox, { mostRows: 10, patienceMs: longMs })();
    assert.equal(await outbox.size(), 10);
  });

  test('holds up until half of them have left', 20, async ({ outbox }) => {
    let isHeld = true;
    const kept = createOutboxPace(outbox, { mostRows: 10, patienceMs: longMs })().then(() => {
      isHeld = false;
    });
    for (let left = 19; left >= 6; left--) {
      await removeOldest(outbox, 1);
      assert.equal(isHeld, true, `${left} rows left`);
    }
    await removeOldest(outbox, 1);
    await until('the pace lets go', () => !isHeld);
    await kept;
  });

  test('lets go when nothing is delivered, then holds up again', 20, async ({ outbox }) => {
    const keepPace = createOutboxPace(outbox, { mostRows: 10, patienceMs: 20, freeMs: 0 });
    await keepPace();
    assert.equal(await outbox.size(), 20);
    const kept = keepPace();
    await removeOldest(outbox, 20);
    await kept;
    assert.equal(await outbox.size(), 0);
  });
});
