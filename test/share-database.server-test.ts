import { after, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openLog } from '../src/log/open-log.ts';
import { openMysqlTrendStore } from '../src/services/trend/store/mysql/trend-store.ts';
import { startBroker } from './servers/kafka-broker.ts';
import { startDatabase } from './servers/start-database.ts';
import { kafkaLocation } from './support/kafka-location.ts';
import { shareTrend } from './support/share-trend.ts';
import { trendStateInMysql } from './support/trend-state.ts';

/** `KILLS=20 npm run test:servers` is the long form. */
const kills = Number(process.env['KILLS'] ?? 4);
const eventsPerSecond = 300;
const awayMs = 1_000;
const tablePrefix = 'trend_';
const [broker, server] = await Promise.all([startBroker(), startDatabase()]);
after(() => Promise.all([broker.stop(), server.stop()]));

it(
  'counts every search once while trend services and the server of their database are killed',
  { timeout: 600_000 },
  async (t) => {
    const { brokers } = broker;
    const place = await server.createDatabase();
    let restarts = 0;
    const { sent } = await shareTrend({
      kills,
      eventsPerSecond,
      environment: { SAMSA_MQ_BROKERS: brokers.join(','), SAMSA_DB_DSN: place.dsn },
      openLog: () => openLog(kafkaLocation(brokers), { clock: Date.now, busyTimeoutMs: 1_000 }),
      state: {
        open: () => openMysqlTrendStore({ ...place, tablePrefix }),
        text: () => trendStateInMysql(server.ask, place.database, tablePrefix),
      },
      disturb: async () => {
        await server.kill();
        await delay(awayMs);
        await server.restart();
        restarts++;
      },
    });
    t.diagnostic(`${sent} events at ${eventsPerSecond}/s, 3 trend services, ${kills} kills, ${restarts} of the server`);
  },
);
