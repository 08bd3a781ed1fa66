import { after } from 'node:test';
import { startBroker } from '../../../test/servers/kafka-broker.ts';
import { openKafkaLog } from './log.ts';
import { eventLogContract } from '../log.contract.ts';

const broker = await startBroker();
after(broker.stop);

eventLogContract(
  'Kafka',
  () => ({
    open: () => openKafkaLog({ brokers: broker.brokers, clientId: 'samsa', clock: Date.now }),
    expire: broker.deleteRecords,
  }),
  // A broker compacts when it likes.
  { expires: true, compacts: false },
);
