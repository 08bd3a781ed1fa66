import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { startBroker } from '../../../test/servers/kafka-broker.ts';
import { SamsaError } from '../../errors.ts';
import type { KafkaConnection } from './connection.ts';
import { openKafkaLog } from './log.ts';

const plain = { mechanism: 'PLAIN', username: 'samsa', password: 'right' } as const;
const scram = { mechanism: 'SCRAM-SHA-512', username: 'samsa', password: 'right' } as const;
const [plainBroker, scramBroker] = await Promise.all([
  startBroker({ sasl: plain }),
  startBroker({ sasl: scram, tls: true }),
]);
after(async () => {
  await Promise.all([plainBroker.stop(), scramBroker.stop()]);
});
const tls = { ca: scramBroker.certificate! };
const { brokers } = scramBroker;

/** Everything in one go: make a topic, append, read. */
async function use(connection: Omit<KafkaConnection, 'clientId'>): Promise<void> {
  const log = openKafkaLog({ ...connection, clientId: 'samsa', clock: Date.now });
  try {
    await log.create('t', { partitions: 1, retentionMs: 0, compacted: false });
    const { id, partitions } = await log.describe('t');
    await log.append([{ topic: 't', key: null, value: Buffer.from('v'), headers: [] }]);
    const from = partitions[0]!.end;
    const { signal } = new AbortController();
    const request = { topic: 't', topicId: id, partition: 0, from, maxBytes: 1 << 20, waitMs: 30_000, signal };
    assert.equal((await log.read(request)).next, from + 1);
  } finally {
    await log.close();
  }
}

function badConfiguration(message: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof SamsaError, String(error));
    assert.deepEqual([error.code, error.retryable], ['log-unavailable', false], error.message);
    assert.match(error.message, message);
    return true;
  };
}

void describe('Kafka log that has to log in', { timeout: 120_000 }, () => {
  void it('succeeds with an unencrypted password', () => use({ brokers: plainBroker.brokers, sasl: plain }));

  void it('succeeds with a challenge, over an encrypted connection', () => use({ brokers, sasl: scram, tls }));

  void it('says that the password is wrong', async () => {
    const wrong = badConfiguration(/refused the user name or password/);
    await assert.rejects(use({ brokers: plainBroker.brokers, sasl: { ...plain, password: 'wrong' } }), wrong);
    await assert.rejects(use({ brokers, sasl: { ...scram, password: 'wrong' }, tls }), wrong);
    await assert.rejects(use({ brokers, sasl: { ...scram, username: 'nobody' }, tls }), wrong);
  });

  void it('says that the mechanism is not the one configured', async () => {
    await assert.rejects(use({ brokers, sasl: { ...scram, mechanism: 'PLAIN' }, tls }), badConfiguration(/mechanism/));
  });

  void it('says that the connection could not be encrypted', async () => {
    await assert.rejects(use({ brokers, sasl: scram, tls: {} }), badConfiguration(/certificate/));
    await assert.rejects(use({ brokers: plainBroker.brokers, sasl: plain, tls }), badConfiguration(/encrypted/));
  });
});
