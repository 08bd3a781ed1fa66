import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { startBroker } from '../../test/servers/kafka-broker.ts';
import { loadConfig } from '../config/config.ts';
import { topicsCommand } from './topics.ts';

const broker = await startBroker();
after(broker.stop);

async function run(environment: Record<string, string>) {
  const { config } = loadConfig({ environment });
  const out: string[] = [];
  const err: string[] = [];
  const context = { config, print: (line: string) => void out.push(line), warn: (line: string) => void err.push(line) };
  return { code: await topicsCommand(context, {}), out, err };
}

void it('creates missing topics on a broker, and warns of those with unsuitable settings', async () => {
  await broker.createTopic('tutorial-searches', 3, { 'cleanup.policy': 'compact' });
  const environment = { SAMSA_MQ_BROKERS: broker.brokers.join(','), SAMSA_MQ_TOPIC: 'tutorial-searches' };
  const first = await run(environment);
  assert.equal(first.code, 1);
  assert.match(first.out[1]!, /^tutorial-searches +3 +1 +the last of each key, for ever$/);
  assert.match(first.out[2]!, /^lr-reader-actions +4 +1 +365 days +made now$/);
  assert.match(first.out[3]!, /^lr-book-changes +4 +1 +the last of each key, for ever +made now$/);
  assert.match(first.err.join(), /^tutorial-searches: expected every event to be kept/);
  const second = await run({ SAMSA_MQ_BROKERS: environment.SAMSA_MQ_BROKERS });
  assert.equal(second.code, 0);
  assert.match(second.out[1]!, /^lr-book-searches +4 +1 +35 days +made now$/);
  assert.match(second.out[4]!, /^lr-operator-actions +4 +1 +for ever$/);
});

void it('says that no broker answers', async () => {
  await assert.rejects(run({ SAMSA_MQ_BROKERS: '127.0.0.1:9' }), { code: 'log-unavailable' });
});
