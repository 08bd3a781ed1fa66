import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeTemporaryFolder } from '../test/support/temporary-folder.ts';
import { startChild } from './child.ts';

const samsa = join(import.meta.dirname, '../bin/samsa.js');
const demoBooks = join(import.meta.dirname, '../demo/classics.csv');

/** A whole shop in a separate process, on free ports and with a new data folder. */
type BenchedShop = {
  readonly url: string;
  readonly trendUrl: string;
  readonly recommendationUrl: string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
};

const urlsPrinted = 3;

function settingsIn(folder: string): Record<string, string> {
  return {
    SAMSA_DATA: join(folder, 'data'),
    SAMSA_APP_PORT: '0',
    SAMSA_TREND_PORT: '0',
    SAMSA_RECOMMENDATION_PORT: '0',
    SAMSA_LOG_LEVEL: 'error',
  };
}

/** @param fill puts something into the data folder before the shop starts. */
export async function startShopForBench(
  settings: Readonly<Record<string, string>> = {},
  fill: (data: string) => Promise<void> = async () => {},
): Promise<BenchedShop> {
  const folder = makeTemporaryFolder();
  await mkdir(join(folder, 'data'), { mode: 0o700 });
  await fill(join(folder, 'data'));
  const environment = { ...settingsIn(folder), ...settings };
  // A shop in a database starts without the demo books.
  if ('SAMSA_DB_DSN' in settings) {
    const env = { ...process.env, ...environment };
    await promisify(execFile)(process.execPath, [samsa, 'import', demoBooks], { env });
  }
  const shop = await startChild([samsa, 'all'], environment, urlsPrinted);
  return {
    url: shop.url,
    trendUrl: new URL(shop.urls[1]!).origin,
    recommendationUrl: new URL(shop.urls[2]!).origin,
    pid: shop.pid,
    stop: async () => {
      await shop.stop();
    },
  };
}
