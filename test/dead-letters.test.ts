import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { shopFiles } from '../src/commands/state/shop-locations.ts';
import { loadConfig } from '../src/config/config.ts';
import { joinLog, readWithOlderProgram, searchRecord } from './support/older-program.ts';
import { replayTrend } from './support/replay.ts';
import { isAllRead } from './support/ask-shop.ts';
import { spawnSamsa, startShop } from './support/start-shop.ts';
import { makeTemporaryFolder } from './support/temporary-folder.ts';
import { trendState } from './support/trend-state.ts';
import { until } from './support/until.ts';

type Row = Readonly<Record<string, unknown>>;

const rows = async (url: string): Promise<readonly Row[]> =>
  (await (await fetch(url, { signal: AbortSignal.timeout(5_000) })).json()) as readonly Row[];

async function samsa(data: string, ...args: readonly string[]): Promise<string> {
  const command = spawnSamsa(args, data);
  assert.equal(await command.ended, 0, command.output());
  return command.output();
}

/** Each query names its own book, so that its row shows exact figures and stays apart. */
const answers: Readonly<Record<string, string>> = {
  'old books': '[{"id":1,"title":"Old Books","author":"Ann Reader"}]',
  'new books': '[{"id":2,"title":"New Books","author":"Ann Reader"}]',
};
const early = 60;

it('redrives each dead letter once into a running shop', async () => {
  const data = makeTemporaryFolder();
  const { config } = loadConfig({ environment: { SAMSA_DATA: data } });
  const log = await joinLog(config);
  const send = (reader: number) =>
    log.append(
      Object.entries(answers).map(([query, answer]) => searchRecord(config, query, `reader${reader}`, answer)),
    );
  try {
    for (let reader = 0; reader < early; reader++) await send(reader);
    await readWithOlderProgram(config, log, 'new');
    const shop = await startShop(data);
    try {
      const readersOf = async (query: string): Promise<unknown> =>
        (await rows(`${shop.trend}/trends?ps=100`)).find((row) => row['query'] === query)?.['readers'];
      const suggestions = async (): Promise<string> =>
        JSON.stringify(await rows(`${shop.recommendation}/recommendations?uid=reader3`));
      await until('old books are known', async () => (await readersOf('old books')) === early);
      await until('old books are a reason', async () => (await suggestions()).includes('old books'));
      assert.equal(await readersOf('new books'), undefined);
      assert.ok(!(await suggestions()).includes('new books'));

      let sent = early;
      let redriven = false;
      const [said] = await Promise.all([
        samsa(data, 'dead-letters', 'redrive', '--all').finally(() => (redriven = true)),
        (async () => {
          while (!redriven && sent < 20_000) await send(sent++);
        })(),
      ]);
      assert.equal(said, `${2 * early} dead letters: ${2 * early} applied\n`);
      assert.ok(sent > early);
      await until('new books are known', async () => (await readersOf('new books')) === sent);
      await until('old books are, too', async () => (await readersOf('old books')) === sent);
      assert.ok((await suggestions()).includes('new books'));
      assert.equal(await samsa(data, 'dead-letters', 'redrive', '--all'), '0 dead letters\n');

      await until('all is read', () => isAllRead(data));
    } finally {
      await shop.stop('SIGTERM');
    }
    await replayTrend(log, config.mq.topics.searches, join(data, 'replay.sqlite'));
    assert.equal(trendState(shopFiles(config).trend), trendState(join(data, 'replay.sqlite')));
  } finally {
    await log.close();
  }
});
