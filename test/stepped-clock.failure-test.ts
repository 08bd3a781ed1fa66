import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { hourMs } from '../src/runtime/time.ts';
import { isAllRead, reasonsOf } from './support/ask-shop.ts';
import { startShop } from './support/start-shop.ts';
import { makeTemporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

const preload = new URL('support/shifted-clock.ts', import.meta.url).href;
const patienceMs = 20_000;

type Trend = { readonly query: string; readonly as_of: string };

it('goes on counting, suggesting and delivering when the clock of a shop is set', async () => {
  const folder = makeTemporaryFolder();
  const [data, clock] = [join(folder, 'data'), join(folder, 'clock')];
  const setClock = async (shiftMs: number): Promise<void> => {
    await writeFile(`${clock}.new`, String(shiftMs));
    await rename(`${clock}.new`, clock);
  };
  await setClock(0);
  const environment = { NODE_OPTIONS: `--import ${preload}`, TEST_CLOCK_SHIFT: clock };
  let shop = await startShop(data, environment, patienceMs);
  const json = async <Body>(url: string, init?: RequestInit): Promise<Body> => {
    const response = await fetch(url, init);
    assert.ok(response.ok, `${url}: ${response.status}`);
    return (await response.json()) as Body;
  };
  const showsSearch = async (query: string, shiftMs: number): Promise<void> => {
    await json(`${shop.web}/api/books?q=${query}`);
    const isShown = async (): Promise<boolean> => {
      const shown = (await json<Trend[]>(`${shop.trend}/trends?ps=100`)).find((trend) => trend.query === query);
      return shown !== undefined && Math.abs(Date.parse(shown.as_of) - Date.now() - shiftMs) < hourMs / 2;
    };
    await until(`${query} is among the trends`, isShown, patienceMs);
  };
  const deliversBook = async (title: string): Promise<void> => {
    const body = JSON.stringify({ title, author: 'A. Clockmaker' });
    await json(`${shop.web}/api/books`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    await until(`${title} is delivered`, () => isAllRead(data, environment), patienceMs);
    assert.deepEqual(await reasonsOf(shop.web), []);
  };
  try {
    await showsSearch('dracula', 0);
    for (const [shiftMs, query] of [
      [-2 * hourMs, 'emma'],
      [24 * hourMs, 'ulysses'],
      [0, 'hamlet'],
      [-10 * 24 * hourMs, 'macbeth'],
      [0, 'othello'],
    ] as const) {
      await setClock(shiftMs);
      await showsSearch(query, shiftMs);
      await deliversBook(`The Clock of ${query}`);
    }
    // The holder of a lease now holds it until tomorrow.
    await setClock(24 * hourMs);
    await deliversBook('The Clock of Tomorrow');
    await shop.stop('SIGKILL');
    await setClock(0);
    shop = await startShop(data, environment, patienceMs);
    await showsSearch('medea', 0);
    await deliversBook('The Clock of Today');
    assert.equal(await shop.stop('SIGTERM'), 0, shop.output());
  } finally {
    await shop.stop('SIGKILL');
  }
});
