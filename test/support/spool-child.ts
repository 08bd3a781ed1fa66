import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeEnvelope, encodeEnvelope, createEventSource } from '../../src/events/envelope.ts';
import { openTestSpool, untilRelayed } from './open-test-spool.ts';

/**
 * Appends numbered events through a spool and ends when all are relayed. Writes `acknowledged <event id>` to `report`
 * as soon as one is durable. To be started with `--import` of `spool-kill-points.ts`.
 */
const [folder = '', topic = '', ...brokers] = process.argv.slice(2);
const log = await openTestSpool({ brokers, folder: join(folder, 'spool'), topics: [topic] });
const source = createEventSource('crash', Date.now);
for (let round = 0; round < 4; round++) {
  const records = Array.from({ length: 5 }, (_, place) => ({
    topic,
    key: Buffer.from(`key ${place}`),
    value: Buffer.from(`${round}`),
    headers: encodeEnvelope(source.next('samsa.test.v1', {})),
  }));
  await log.append(records);
  const ids = records.map(({ headers }) => `acknowledged ${decodeEnvelope(headers)?.id}\n`);
  appendFileSync(join(folder, 'report'), ids.join(''));
}
await untilRelayed(log);
await log.close();
