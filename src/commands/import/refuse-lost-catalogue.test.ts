import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { SamsaError } from '../../errors.ts';
import type { EventLog } from '../../log/log.ts';
import { openSqliteLog } from '../../log/sqlite/log.ts';
import { openSqliteCatalogue } from '../../services/web/catalogue/store/sqlite/catalogue.ts';
import { raiseAboveLog } from '../../services/web/catalogue/store/open-catalogue.ts';
import { raisesAboveLog } from '../../services/web/catalogue/store/raise-above-log.contract.ts';
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
    await raisesAboveLog(path, log, topic);
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
