import { after, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openLog } from '../src/log/open-log.ts';
import { openMysqlRecommendationStore } from '../src/services/recommendation/store/mysql/recommendation-store.ts';
import { openMysqlTrendStore } from '../src/services/trend/store/mysql/trend-store.ts';
import { startBroker } from './servers/kafka-broker.ts';
import { startDatabase } from './servers/start-database.ts';
import { kafkaLocation } from './support/kafka-location.ts';
import { shareConsumers } from './support/share-consumers.ts';
import { tasteStateOfMysql } from './support/taste-state.ts';
import { trendStateInMysql } from './support/trend-state.ts';

/** `KILLS=20 npm run test:servers` is the long form. */
const kills = Number(process.env['KILLS'] ?? 6);
const eventsPerSecond = 300;
const awayMs = 1_000;
const [broker, server] = await Promise.all([startBroker(), startDatabase()]);
after(() => Promise.all([broker.stop(), server.stop()]));

it(
  'counts every event once while consumers and the server of their database are killed',
  { timeout: 600_000 },
  async (t) => {
    const { brokers } = broker;
    const place = await server.createDatabase();
    let restarts = 0;
    const { sent } = await shareConsumers({
      kills,
      eventsPerSecond,
      environment: { SAMSA_MQ_BROKERS: brokers.join(','), SAMSA_DB_DSN: place.dsn },
      openLog: () => openLog(kafkaLocation(brokers), { clock: Date.now, busyTimeoutMs: 1_000 }),
      shared: [
        {
          name: 'trend',
          processes: 3,
          open: () => openMysqlTrendStore({ ...place, tablePrefix: 'trend_' }),
          text: () => trendStateInMysql(server.ask, place.database, 'trend_'),
        },
        {
          name: 'recommendation',
          processes: 2,
          open: () => openMysqlRecommendationStore({ ...place, tablePrefix: 'recommendation_' }, { clock: Date.now }),
          text: () => tasteStateOfMysql(server.ask, place.database, 'recommendation_'),
        },
      ],
      disturb: async () => {
        await server.kill();
        await delay(awayMs);
        await server.restart();
        restarts++;
      },
    });
    t.diagnostic(
      `${sent} events at ${eventsPerSecond}/s, 3 trend and 2 recommendation services, ${kills} kills, ${restarts} of the server`,
    );
  },
);
