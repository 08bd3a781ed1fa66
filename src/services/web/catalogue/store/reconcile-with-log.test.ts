import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { makeTemporaryFolder } from '../../../../../test/support/temporary-folder.ts';
import { SamsaError } from '../../../../errors.ts';
import { bookChangedRecord } from '../../../../events/book-changed.ts';
import { createEventSource } from '../../../../events/envelope.ts';
import type { EventLog } from '../../../../log/log.ts';
import { openSqliteLog } from '../../../../log/sqlite/log.ts';
import { emptyContent } from '../stored-book.ts';
import { openSqliteCatalogue } from './sqlite/catalogue.ts';
import { fillLog, raiseAboveLog } from './sqlite/reconcile-with-log.ts';
import { deliverOutbox, raisesAboveLog } from './reconcile-with-log.contract.ts';

const topic = 'changes';
const change = { topic, key: Buffer.from('1'), value: null, headers: [] };

const away = new SamsaError('log-unavailable', 'no broker answers', { retryable: true });
const raise = (path: string, log: EventLog, more: { topic?: string; wasOpened?: boolean } = {}) =>
  raiseAboveLog({ path, log, topic, wasOpened: true, ...more }, Date.now);

void describe('a shop', () => {
  const test = (behaviour: string, body: (path: string, log: EventLog) => Promise<void>): void => {
    void it(behaviour, async () => {
      const folder = makeTemporaryFolder();
      const log = openSqliteLog(join(folder, 'log.sqlite'), { clock: Date.now, busyTimeoutMs: 50 });
      await log.create(topic, { partitions: 2, retentionMs: 0, compacted: true });
      try {
        await body(join(folder, 'catalogue.sqlite'), log);
      } finally {
        await log.close();
      }
    });
  };
  const refused = {
    code: 'data-folder-unusable',
    message: /got none for 2 changes of books in the event log.* backup/,
  };

  test('begins without a catalogue where the log knows of no books', async (path, log) => {
    await raise(path, log);
  });

  test('sends books again that the log has lost, once for each loss', async (path, log) => {
    const fill = (to: EventLog) => fillLog({ path, log: to, topic }, Date.now);
    assert.equal(await fill(log), 0);
    const shop = openSqliteCatalogue(path, { clock: Date.now, busyTimeoutMs: 50 });
    for (const title of ['Kept', 'Changed', 'Removed']) await shop.catalogue.add({ ...emptyContent, title });
    const deliver = (to: EventLog) => deliverOutbox(shop, to, topic);
    await deliver(log);
    assert.equal(await fill(log), 0);
    await shop.catalogue.change(2, { ...emptyContent, title: 'Changed later' });
    await shop.catalogue.change(3, null);
    const lost = await shop.outbox.read({ maxRows: 10, maxBytes: 1 << 20 });
    assert.equal(await fill(log), 0);
    await shop.outbox.remove(lost.map(({ id }) => id));
    assert.equal(await fill(log), 2);
    await deliver(log);
    assert.equal(await fill(log), 0);
    const empty = openSqliteLog(`${path}.log`, { clock: Date.now, busyTimeoutMs: 50 });
    assert.equal(await fill(empty), 2, 'the removed book is not in the new log');
    await empty.create(topic, { partitions: 2, retentionMs: 0, compacted: true });
    await deliver(empty);
    assert.equal(await fill(empty), 0);
    await shop.catalogue.change(1, { ...emptyContent, title: 'Changed in the new log' });
    await deliver(empty);
    assert.equal(await fill(empty), 0);
    assert.equal(await fill(log), 1, 'the old log is put back');
    await deliver(log);
    assert.equal(await fill(log), 0);
    await empty.close();
    await shop.close();
  });

  test('starts, and does not say what is missing, when the log falls silent in between', async (path, log) => {
    const silent = { ...log, read: () => Promise.reject(away) };
    const shop = openSqliteCatalogue(path, { clock: Date.now, busyTimeoutMs: 50 });
    for (const title of ['Sent', 'Lost']) await shop.catalogue.add({ ...emptyContent, title });
    await shop.outbox.remove((await shop.outbox.read({ maxRows: 10, maxBytes: 1 << 20 })).map(({ id }) => id));
    await shop.close();
    await log.append([change]);
    assert.equal(await fillLog({ path, log: silent, topic }, Date.now), null);
    await log.append([change, change]);
    assert.equal(await raise(path, silent), null);
  });

  test('starts no second catalogue where one was lost', async (path, log) => {
    await log.append([change, change]);
    await assert.rejects(raise(path, log), refused);
    writeFileSync(path, '');
    await assert.rejects(raise(path, log), refused);
  });

  test('starts no second catalogue where the file never held a book', async (path, log) => {
    await openSqliteCatalogue(path, { clock: Date.now, busyTimeoutMs: 50 }).close();
    const source = createEventSource('shop', Date.now);
    await log.append([bookChangedRecord(topic, source, { bookId: 7, version: 3, book: null })]);
    await assert.rejects(raise(path, log), {
      ...refused,
      message: /never held a book, but the event log has 1\. Put the file back/,
    });
  });

  test('starts no second catalogue where one was lost and the log does not answer', async (path, log) => {
    const silent = { ...log, describe: () => Promise.reject(away) };
    await assert.rejects(raise(path, silent), { ...refused, message: /does not say whether there were books\. Start/ });
    assert.equal(await raise(path, silent, { wasOpened: false }), null);
  });

  test('goes on with its catalogue', async (path, log) => {
    await log.append([change]);
    await openSqliteCatalogue(path, { clock: Date.now, busyTimeoutMs: 50 }).close();
    await raise(path, log);
  });

  test('raises ids and versions of an older catalogue above those of the log', async (path, log) => {
    await raisesAboveLog(path, log, topic);
  });

  test('does not wait for a log that does not answer', async (path, log) => {
    await openSqliteCatalogue(path, { clock: Date.now, busyTimeoutMs: 50 }).close();
    const silent = { ...log, describe: () => Promise.reject(away) };
    assert.equal(await raise(path, silent), null);
    assert.equal(await raise(path, log, { topic: 'never made' }), 0);
  });

  test('passes over what other programs have written', async (path, log) => {
    await openSqliteCatalogue(path, { clock: Date.now, busyTimeoutMs: 50 }).close();
    await log.append([{ ...change, value: Buffer.from('not a book') }]);
    assert.equal(await raise(path, log), 0);
  });
});
