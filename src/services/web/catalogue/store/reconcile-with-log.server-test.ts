import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { makeTemporaryFolder } from '../../../../../test/support/temporary-folder.ts';
import { startBroker } from '../../../../../test/servers/kafka-broker.ts';
import { openKafkaLog } from '../../../../log/kafka/log.ts';
import { raiseAboveLog } from './sqlite/reconcile-with-log.ts';
import { raisesAboveLog } from './reconcile-with-log.contract.ts';

it(
  'raises ids and versions of an older catalogue above those of a log on Kafka, and refuses a lost one',
  { timeout: 120_000 },
  async () => {
    await using stack = new AsyncDisposableStack();
    const broker = await startBroker();
    stack.defer(broker.stop);
    const folder = makeTemporaryFolder();
    const log = openKafkaLog({ brokers: broker.brokers, clientId: 'samsa', clock: Date.now });
    stack.defer(log.close);
    const path = join(folder, 'catalogue.sqlite');
    await log.create('changes', { partitions: 3, retentionMs: 0, compacted: true });
    await raisesAboveLog(path, log, 'changes');
    const place = { path, log, topic: 'changes', wasOpened: true };
    const lost = { ...place, path: join(folder, 'lost.sqlite') };
    await assert.rejects(raiseAboveLog(lost, Date.now), /got none for \d+ changes of books/);
    await broker.stop();
    assert.equal(await raiseAboveLog(place, Date.now), null);
    await assert.rejects(raiseAboveLog(lost, Date.now), /got none, and the event log does not say/);
  },
);
