import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startBroker } from './kafka-broker.ts';

it('keeps its topics when it is killed and restarted', { timeout: 180_000 }, async () => {
  const broker = await startBroker();
  try {
    await broker.createTopic('kept', 2);
    await broker.kill();
    await broker.restart();
    assert.equal(await broker.leaderOf('kept', 1), 0);
  } finally {
    await broker.stop();
  }
});
