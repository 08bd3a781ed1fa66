import assert from 'node:assert/strict';
import { closeSync, cpSync, openSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { before, describe, it } from 'node:test';
import { isAllRead, reasonsOf } from './support/ask-shop.ts';
import { spawnSamsa, startShop } from './support/start-shop.ts';
import { makeTemporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

const limits = { timeout: 120_000 };
const stackTrace = /^\s+at .+:\d+/m;

type Harm = (path: string) => void;

const noDatabase: Harm = (path) => writeFileSync(path, 'x'.repeat(90_000));
const cutOff: Harm = (path) => truncateSync(path, statSync(path).size >> 1);
const gone: Harm = (path) => rmSync(path);
const empty: Harm = (path) => truncateSync(path, 0);
const sql =
  (statement: string): Harm =>
  (path) => {
    const database = new DatabaseSync(path);
    database.exec(statement);
    database.close();
  };
const newerSchema = sql('PRAGMA user_version = 99');

/** Overwrites every page with garbage, except the first, which holds the schema. */
const damagedPages: Harm = (path) => {
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(statSync(path).size - 4096, 0xee), 0, undefined, 4096);
  closeSync(file);
};

describe('a shop with a bad store says what to do:', () => {
  const root = makeTemporaryFolder();
  const sound = (): string => join(root, 'sound');
  const older = (): string => join(root, 'older');

  before(async () => {
    for (const visit of [1, 2]) {
      const shop = await startShop(sound());
      for (let number = 0; number < 200; number++) {
        const answer = await fetch(`${shop.web}/api/books?q=${encodeURIComponent(`dracula ${visit} ${number}`)}`);
        await answer.arrayBuffer();
      }
      await until('all is counted', () => isAllRead(sound()));
      assert.equal(await shop.stop('SIGTERM'), 0);
      if (visit === 1) cpSync(sound(), older(), { recursive: true });
    }
  });

  const harmed = async (store: string, harm: Harm): Promise<string> => {
    const data = makeTemporaryFolder();
    cpSync(sound(), data, { recursive: true });
    harm(join(data, `${store}.sqlite`));
    return data;
  };

  /** The shop does not open, and its last line is this. */
  const refuses = async (store: string, harm: Harm, word: RegExp): Promise<void> => {
    const shop = spawnSamsa(['all'], await harmed(store, harm));
    assert.equal(await shop.ended, 1, shop.output());
    assert.match(shop.output(), word);
    assert.match(shop.output(), new RegExp(`^samsa: .*/${store}\\.sqlite: expected `, 'm'));
    assert.doesNotMatch(shop.output(), stackTrace);
  };

  /** The shop opens and finds books, but one service cannot continue, and says why in its readiness and its log. */
  const standsStill = async (
    store: string,
    harm: Harm,
    service: 'web' | 'trend' | 'recommendation',
    why: string,
    word: RegExp,
  ): Promise<void> => {
    const shop = await startShop(await harmed(store, harm));
    try {
      await until(`${service} says ${why}`, async () => (await reasonsOf(shop[service])).includes(why));
      assert.match(shop.output(), word);
      const found = await fetch(`${shop.web}/api/books?q=dracula`);
      assert.equal(((await found.json()) as readonly unknown[]).length > 0, true, 'books are found');
      assert.equal(await shop.stop('SIGTERM'), 0);
      assert.doesNotMatch(shop.output(), stackTrace);
    } finally {
      await shop.stop('SIGKILL');
    }
  };

  /** The shop opens and repairs the store itself. */
  const recovers = async (store: string, harm: Harm): Promise<void> => {
    const data = await harmed(store, harm);
    const shop = await startShop(data);
    try {
      await until('all is well', async () => {
        const all = await Promise.all([shop.web, shop.trend, shop.recommendation].map(reasonsOf));
        return all.flat().length === 0 && (await isAllRead(data));
      });
      assert.equal(await shop.stop('SIGTERM'), 0);
    } finally {
      await shop.stop('SIGKILL');
    }
  };

  const damaged = /got a damaged one .* put a backup in its place/;
  const tooNew = /expected version \d+ or older of the schema of [a-z ]+, got 99\. A newer Samsa wrote it/;
  const rebuildIt = /samsa rebuild/;

  it('a log that is not a database', limits, () => refuses('log', noDatabase, damaged));
  it('a log that was cut off', limits, () => refuses('log', cutOff, damaged));
  it('a log with damaged pages', limits, () => refuses('log', damagedPages, damaged));
  it('a log of a newer version', limits, () => refuses('log', newerSchema, tooNew));
  it('a log that is missing', limits, () =>
    standsStill('log', gone, 'trend', 'topic-replaced', /Rebuild what was made/),
  );
  it('a log that is an older copy', limits, () =>
    standsStill('log', (path) => cpSync(join(older(), 'log.sqlite'), path), 'trend', 'diverged', rebuildIt),
  );
  it('a log that lost its end', limits, () =>
    standsStill(
      'log',
      sql(
        [
          ...Array.from({ length: 16 }, (_, index) => `DELETE FROM record_${index + 1} WHERE log_offset >= 10`),
          'UPDATE partition SET end_offset = min(end_offset, 10)',
        ].join(';'),
      ),
      'web',
      'diverged',
      rebuildIt,
    ),
  );

  it('a catalogue that is not a database', limits, () => refuses('catalogue', noDatabase, damaged));
  it('a catalogue that was cut off', limits, () => refuses('catalogue', cutOff, damaged));
  it('a catalogue with damaged pages', limits, () => refuses('catalogue', damagedPages, damaged));
  it('a catalogue of a newer version', limits, () => refuses('catalogue', newerSchema, tooNew));
  it('a catalogue that is empty', limits, () => refuses('catalogue', empty, /changes of books .* Put the file back/));

  it('counts that are not a database', limits, () => refuses('trend', noDatabase, damaged));
  it('counts that were cut off', limits, () => refuses('trend', cutOff, damaged));
  it('counts with damaged pages', limits, () => refuses('trend', damagedPages, damaged));
  it('counts of a newer schema', limits, () => refuses('trend', newerSchema, tooNew));
  it('counts of a newer fold', limits, () =>
    standsStill(
      'trend',
      sql('UPDATE projection SET version = version + 1'),
      'trend',
      'state-too-new',
      /run that version/,
    ),
  );
  it('counts of an older fold are rebuilt', limits, () => recovers('trend', sql('UPDATE projection SET version = 0')));
  it('missing counts are rebuilt', limits, () => recovers('trend', gone));

  it('taste that is not a database', limits, () => refuses('recommendation', noDatabase, damaged));
  it('taste that was cut off', limits, () => refuses('recommendation', cutOff, damaged));
  it('taste with damaged pages', limits, () => refuses('recommendation', damagedPages, damaged));
  it('an empty taste file is rebuilt', limits, () => recovers('recommendation', empty));

  it('a search index that is not a database is rebuilt', limits, () => recovers('search-index', noDatabase));
  it('a search index with damaged pages is rebuilt', limits, () => recovers('search-index', damagedPages));
});
