import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startMariaDb } from '../../../test/servers/mariadb.ts';
import { joinLog, searchRecord } from '../../../test/support/older-program.ts';
import { makeTemporaryFolder } from '../../../test/support/temporary-folder.ts';
import { until } from '../../../test/support/until.ts';
import { loadConfig } from '../../config/config.ts';
import type { RunningService } from './service-base.ts';
import { startRecommendation, startTrend } from './start-consumer.ts';

const anyPort = { SAMSA_TREND_PORT: '0', SAMSA_RECOMMENDATION_PORT: '0', SAMSA_LOG_LEVEL: 'silent' };

describe('services whose database does not answer', () => {
  it('start, say that they are not ready, and become ready when it answers', async () => {
    const folder = makeTemporaryFolder();
    const server = await startMariaDb();
    const { dsn } = await server.createDatabase();
    await server.kill();
    const { config } = loadConfig({ environment: { ...anyPort, SAMSA_DATA: folder, SAMSA_DB_DSN: dsn } });
    const log = await joinLog(config);
    const services: RunningService[] = [];
    const ask = async (url: string, path: string): Promise<{ status: number; text: string }> => {
      const response = await fetch(url + path, { signal: AbortSignal.timeout(5_000) });
      return { status: response.status, text: await response.text() };
    };
    try {
      const [trend, recommendation] = [await startTrend(config), await startRecommendation(config)];
      services.push(trend, recommendation);
      await log.append([searchRecord(config, 'emma', 'ann', '[{"id":1,"title":"Emma","author":"Jane Austen"}]')]);
      for (const { url } of services) {
        await until('it says why', async () => (await ask(url, '/health/ready')).text.includes('store-unavailable'));
        assert.equal((await ask(url, '/health/live')).status, 200);
      }
      for (const url of [`${trend.url}/trends`, `${recommendation.url}/recommendations?uid=ann`]) {
        const { status, text } = await ask(url, '');
        assert.deepEqual([status, text.includes('store-unavailable')], [503, true]);
      }
      await server.restart();
      for (const { url } of services) {
        await until('it is ready', async () => (await ask(url, '/health/ready')).status === 200, 20_000);
      }
      await until('it is counted', async () => (await ask(trend.url, '/trends')).text.includes('"emma"'), 20_000);
    } finally {
      for (const service of services) await service.close();
      await log.close();
      await server.stop();
    }
  });
});
