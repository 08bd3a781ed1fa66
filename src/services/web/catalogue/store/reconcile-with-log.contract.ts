import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { pino } from 'pino';
import type { EventLog } from '../../../../log/log.ts';
import type { OpenCatalogue } from '../catalogue.ts';
import { openRelay } from '../import/open-import.ts';
import { emptyContent } from '../stored-book.ts';
import { fillLog, raiseAboveLog } from './sqlite/reconcile-with-log.ts';
import { openSqliteCatalogue } from './sqlite/catalogue.ts';

/** Puts an older catalogue file back, and checks that no id and no version is given again. `topic` must be empty. */
export async function raisesAboveLog(path: string, log: EventLog, topic: string): Promise<void> {
  const open = () => openSqliteCatalogue(path, { clock: Date.now, busyTimeoutMs: 50 });
  const addTo = async (shop: OpenCatalogue, ...titles: readonly string[]): Promise<void> => {
    for (const title of titles) await shop.catalogue.add({ ...emptyContent, title });
  };
  const deliver = (shop: OpenCatalogue): Promise<void> => deliverOutbox(shop, log, topic);
  const place = { path, log, topic };
  const older = open();
  await addTo(older, 'First', 'Second');
  await deliver(older);
  await older.close();
  assert.equal(await fillLog(place, Date.now), 0);
  copyFileSync(path, `${path}.backup`);
  assert.equal(await raiseAboveLog({ path, log, topic, wasOpened: true }, Date.now), 0);
  const newer = open();
  await addTo(newer, 'Third');
  await newer.catalogue.change(1, { ...emptyContent, title: 'Changed' });
  await deliver(newer);
  await newer.close();
  copyFileSync(`${path}.backup`, path);
  assert.equal(await raiseAboveLog({ path, log, topic, wasOpened: true }, Date.now), 2);
  assert.equal(await raiseAboveLog({ path, log, topic, wasOpened: true }, Date.now), 0);
  const restored = open();
  const told = (await restored.outbox.read({ maxRows: 10, maxBytes: 1 << 20 })).map(({ change }) => change);
  assert.deepEqual(
    told
      .toSorted((one, other) => one.bookId - other.bookId)
      .map(({ bookId, version, book }) => [bookId, version, book?.title ?? null]),
    [
      [1, 3, 'First'],
      [3, 2, null],
    ],
  );
  assert.equal((await restored.catalogue.add({ ...emptyContent, title: 'Next' })).bookId, 4);
  await deliver(restored);
  assert.equal(await fillLog(place, Date.now), 0);
  await restored.close();
}

/** Brings all changes to the log. */
export async function deliverOutbox({ outbox }: OpenCatalogue, log: EventLog, topic: string): Promise<void> {
  const relay = openRelay({ outbox, log, topic, owner: 'a', clock: Date.now, logger: pino({ level: 'silent' }) });
  await relay.drain(10_000);
  await relay.close();
}
