import { after } from 'node:test';
import { startBroker } from '../../../test/servers/kafka-broker.ts';
import { openTestSpool, untilRelayed } from '../../../test/support/open-test-spool.ts';
import { makeTemporaryFolder } from '../../../test/support/temporary-folder.ts';
import { eventLogContract } from '../log.contract.ts';
import type { EventLog } from '../log.ts';

const broker = await startBroker();
after(broker.stop);

eventLogContract(
  'Kafka with a spool in front',
  () => {
    const folder = makeTemporaryFolder();
    const topics = new Set<string>();
    const open = async (): Promise<EventLog> => {
      const spooled = await openTestSpool({ brokers: broker.brokers, folder, topics: [...topics] });
      return {
        ...spooled,
        create: async (topic, settings) => {
          await spooled.create(topic, settings);
          topics.add(topic);
        },
        // A record that is appended has still to reach the log.
        append: async (records) => {
          await spooled.append(records);
          await untilRelayed(spooled);
        },
      };
    };
    return { open, expire: broker.deleteRecords };
  },
  // A broker compacts when it likes.
  { expires: true, compacts: false },
);
