import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import { loadConfig } from '../config/config.ts';
import { openLog, openTopicFacts } from '../log/open-log.ts';
import { hourMs } from '../runtime/time.ts';
import type { CommandContext } from './command-context.ts';
import { logLocation } from './state/shop-locations.ts';
import { statusCommand } from './status.ts';
import { topicsCommand } from './topics.ts';

function newShop(): Record<string, string> {
  return { SAMSA_DATA: join(makeTemporaryFolder(), 'data') };
}

async function run(environment: Record<string, string>, command: (context: CommandContext) => Promise<number> = list) {
  const { config } = loadConfig({ environment });
  const out: string[] = [];
  const err: string[] = [];
  const context = { config, print: (line: string) => void out.push(line), warn: (line: string) => void err.push(line) };
  return { code: await command(context), out, err, config };
}

const list = (context: CommandContext): Promise<number> => topicsCommand(context, {});

void it('makes the topics of a shop that was never opened, and says so once', async () => {
  const environment = newShop();
  const first = await run({ ...environment, SAMSA_MQ_PARTITIONS: '2' });
  assert.equal(first.code, 0);
  assert.match(first.out[1]!, /^lr-book-searches +2 +1 +35 days +made now$/);
  assert.match(first.out[3]!, /^lr-book-changes +2 +1 +the last of each key, for ever +made now$/);
  const second = await run(environment);
  assert.match(second.out[1]!, /^lr-book-searches +2 +1 +35 days$/);
});

void it('warns of a topic that forgets events too early or compacts them away', async () => {
  const environment = newShop();
  const { config } = await run(environment);
  const log = await openLog(logLocation(config), { clock: Date.now, busyTimeoutMs: 50 });
  await log.create('short', { partitions: 1, retentionMs: hourMs, compacted: true });
  await log.close();
  const { code, err } = await run({ ...environment, SAMSA_MQ_TOPIC: 'short' });
  assert.equal(code, 1);
  assert.match(err[0]!, /^short: expected every event to be kept, but cleanup.policy has compact/);
  assert.match(err[1]!, /^short: expected events to be kept for 35 days, but retention.ms is 3600000/);
});

void it('leaves it to others to make a topic that samsa status finds missing', async () => {
  const environment = newShop();
  await run(environment);
  const { code, out, config } = await run({ ...environment, SAMSA_MQ_TOPIC: 'gone' }, (context) =>
    statusCommand(context, {}),
  );
  assert.equal(code, 1);
  assert.ok(out.some((line) => /^gone +missing: samsa topics makes it$/.test(line)));
  const facts = await openTopicFacts(logLocation(config));
  assert.equal(await facts.of('gone'), null);
  await facts.close();
});
