import { after, it } from 'node:test';
import { openLog } from '../src/log/open-log.ts';
import { startBroker } from './servers/kafka-broker.ts';
import { kafkaLocation } from './support/kafka-location.ts';
import { shareConsumers } from './support/share-consumers.ts';

/** `KILLS=20 npm run test:servers` is the long form. */
const kills = Number(process.env['KILLS'] ?? 4);
const eventsPerSecond = 2_000;
const broker = await startBroker();
after(broker.stop);

it(
  'counts every search in Kafka once while trend services start, stop and are killed',
  { timeout: 600_000 },
  async (t) => {
    const { brokers } = broker;
    const { sent, pauses } = await shareConsumers({
      kills,
      eventsPerSecond,
      environment: { SAMSA_MQ_BROKERS: brokers.join(',') },
      openLog: () => openLog(kafkaLocation(brokers), { clock: Date.now, busyTimeoutMs: 1_000 }),
    });
    t.diagnostic(
      `${sent} events at ${eventsPerSecond}/s, 3 trend services, ${kills} kills; partitions stood still for at most ` +
        `${pauses.untouched} ms, moving ones ${pauses.moved} ms`,
    );
  },
);
