import { after } from 'node:test';
import { startBroker } from '../../../test/servers/kafka-broker.ts';
import { openKafkaLog } from './log.ts';
import { eventLogContract } from '../log.contract.ts';
import { leftToTheBroker } from '../topic-under-test.contract.ts';
import type { EventLog } from '../log.ts';

const broker = await startBroker();
after(broker.stop);

eventLogContract(
  'Kafka',
  async () => {
    const opened: EventLog[] = [];
    const openAgain = async (): Promise<EventLog> => {
      const log = openKafkaLog({ brokers: broker.brokers, clientId: 'samsa', clock: Date.now });
      opened.push(log);
      return log;
    };
    return {
      log: await openAgain(),
      openAgain,
      expire: broker.deleteRecords,
      compact: leftToTheBroker,
      close: async () => {
        await Promise.all(opened.map((log) => log.close()));
      },
    };
  },
  { expires: true, compacts: false },
);
