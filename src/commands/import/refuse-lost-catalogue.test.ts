import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { SamsaError } from '../../errors.ts';
import type { EventLog } from '../../log/log.ts';
import { openSqliteLog } from '../../log/sqlite/log.ts';
import { openSqliteCatalogue } from '../../services/web/catalogue/store/sqlite/catalogue.ts';
import { openRelay } from '../../services/web/catalogue/import/open-import.ts';
import type { OpenCatalogue } from '../../services/web/catalogue/catalogue.ts';
import { emptyContent } from '../../services/web/catalogue/stored-book.ts';
import { raiseAboveLog } from '../../services/web/catalogue/store/open-catalogue.ts';
import { refuseLostCatalogue } from './refuse-lost-catalogue.ts';

const topic = 'changes';
const change = { topic, key: Buffer.from('1'), value: null, headers: [] };

void describe('a shop', () => {
  const test = (behaviour: string, body: (path: string, log: EventLog) => Promise<void>): void => {
    void it(behaviour, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'samsa-lost-'));
      const log = openSqliteLog(join(folder, 'log.sqlite'), { clock: Date.now, busyTimeoutMs: 50 });
      await log.create(topic, { partitions: 2, retentionMs: 0, compacted: true });
      try {
        await body(join(folder, 'catalogue.sqlite'), log);
      } finally {
        await log.close();
        rmSync(folder, { recursive: true });
      }
    });
  };
  const refused = { code: 'data-folder-unusable', message: /catalogue of the 2 changes of books .* backup/ };

  test('begins without a catalogue where the log knows of no books', async (path, log) => {
    await refuseLostCatalogue(path, log, topic);
  });

  test('starts no second catalogue where one was lost', async (path, log) => {
    await log.append([change, change]);
    await assert.rejects(refuseLostCatalogue(path, log, topic), refused);
    writeFileSync(path, '');
    await assert.rejects(refuseLostCatalogue(path, log, topic), refused);
  });

  test('goes on with its catalogue', async (path, log) => {
    await log.append([change]);
    await openSqliteCatalogue(path, { clock: Date.now, busyTimeoutMs: 50 }).close();
    await refuseLostCatalogue(path, log, topic);
  });

  test('raises ids and versions of an older catalogue above those of the log', async (path, log) => {
    const open = () => openSqliteCatalogue(path, { clock: Date.now, busyTimeoutMs: 50 });
    const addTo = async (shop: OpenCatalogue, ...titles: readonly string[]): Promise<void> => {
      for (const title of titles) await shop.catalogue.add({ ...emptyContent, title });
    };
    const deliver = async (shop: OpenCatalogue): Promise<void> => {
      const relay = openRelay({
        outbox: shop.outbox,
        log,
        topic,
        owner: 'a',
        clock: Date.now,
        logger: pino({ level: 'silent' }),
      });
      await relay.drain(10_000);
      await relay.close();
    };
    const older = open();
    await addTo(older, 'First', 'Second');
    await deliver(older);
    await older.close();
    copyFileSync(path, `${path}.backup`);
    assert.equal(await raiseAboveLog(path, log, topic, Date.now), 0);
    const newer = open();
    await addTo(newer, 'Third');
    await newer.catalogue.change(1, { ...emptyContent, title: 'Changed' });
    await deliver(newer);
    await newer.close();
    copyFileSync(`${path}.backup`, path);
    assert.equal(await raiseAboveLog(path, log, topic, Date.now), 2);
    assert.equal(await raiseAboveLog(path, log, topic, Date.now), 0);
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
    await restored.close();
  });

  test('does not wait for a log that does not answer', async (path, log) => {
    await openSqliteCatalogue(path, { clock: Date.now, busyTimeoutMs: 50 }).close();
    const away = new SamsaError('log-unavailable', 'no broker answers', { retryable: true });
    const silent = { ...log, describe: () => Promise.reject(away) };
    assert.equal(await raiseAboveLog(path, silent, topic, Date.now), null);
    assert.equal(await raiseAboveLog(path, log, 'never made', Date.now), 0);
  });

  test('passes over what other programs have written', async (path, log) => {
    await openSqliteCatalogue(path, { clock: Date.now, busyTimeoutMs: 50 }).close();
    await log.append([{ ...change, value: Buffer.from('not a book') }]);
    assert.equal(await raiseAboveLog(path, log, topic, Date.now), 0);
  });
});
