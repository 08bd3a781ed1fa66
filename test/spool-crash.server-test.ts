import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { decodeEnvelope } from '../src/events/envelope.ts';
import type { StoredRecord } from '../src/events/record.ts';
import { startBroker } from './servers/kafka-broker.ts';
import { openTestSpool, untilRelayed } from './support/open-test-spool.ts';
import { readWholeTopic } from './support/read-whole-topic.ts';
import { makeTemporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

const broker = await startBroker();
after(broker.stop);

const support = (name: string): string => join(import.meta.dirname, 'support', name);

/** A step that repeats is killed only at its first executions. */
const executionsPerPoint = 2;

/** Runs the child to its end, or until it is killed before a point. */
async function run(folder: string, topic: string, killAt?: string): Promise<'killed' | 'ended'> {
  const args = ['--import', support('spool-kill-points.ts'), support('spool-child.ts'), folder, topic];
  const notes = {
    SAMSA_TEST_POINTS: join(folder, 'points'),
    ...(killAt !== undefined && { SAMSA_TEST_KILL_AT: killAt }),
  };
  const env = { ...process.env, ...notes };
  const child = spawn(process.execPath, [...args, ...broker.brokers], { stdio: ['ignore', 'ignore', 'inherit'], env });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  assert.ok(code === 0 || signal === 'SIGKILL', `${killAt}: ${code} ${signal}`);
  return signal === null ? 'ended' : 'killed';
}

function linesOf(path: string): readonly string[] {
  return readFileSync(path, 'utf8').split('\n').filter(Boolean);
}

/**
 * How often each event counts for a consumer that drops records whose sequence is not above the last one of their
 * source and partition.
 */
function countOnce(records: readonly StoredRecord[]): ReadonlyMap<string, number> {
  const marks = new Map<string, number>();
  const counts = new Map<string, number>();
  for (const { partition, headers } of records) {
    const { id, source, sequence } = decodeEnvelope(headers)!;
    const mark = `${partition} ${source}`;
    if (sequence <= (marks.get(mark) ?? 0)) continue;
    marks.set(mark, sequence);
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = makeTemporaryFolder();
  await body(folder);
}

/** Relays what the children left behind. @returns everything that the topic holds then. */
async function relayRest(folder: string, topic: string): Promise<readonly StoredRecord[]> {
  const log = await openTestSpool({ brokers: broker.brokers, folder: join(folder, 'spool'), topics: [topic] });
  try {
    await untilRelayed(log);
    return await readWholeTopic(log, topic);
  } finally {
    await log.close();
  }
}

it('loses and repeats no event when the process is killed before any step of the relay', { timeout: 300_000 }, () =>
  inFolder(async (folder) => {
    await broker.createTopic('steps', 2);
    assert.equal(await run(folder, 'steps'), 'ended');
    const points = linesOf(join(folder, 'points')).filter(
      (point) => Number(/\d+/.exec(point)) <= executionsPerPoint && !/PRAGMA|SELECT/.test(point),
    );
    for (const step of ['sending', 'sent', 'acknowledged', 'DELETE FROM record', 'COMMIT']) {
      assert.ok(
        points.some((point) => point.startsWith('relay: 1') && point.includes(step)),
        step,
      );
    }
    let killed = 0;
    for (const point of points) if ((await run(folder, 'steps', point)) === 'killed') killed++;
    assert.ok(killed > points.length / 2, `${killed} of ${points.length} were killed`);
    const records = await relayRest(folder, 'steps');
    const counts = countOnce(records);
    for (const line of linesOf(join(folder, 'report'))) assert.equal(counts.get(line.split(' ')[1]!), 1, line);
    assert.deepEqual(
      [...counts.values()].filter((count) => count !== 1),
      [],
    );
  }),
);

it(
  'sends a repeat to the partition of the first attempt, also when partitions were added since',
  { timeout: 120_000 },
  () =>
    inFolder(async (folder) => {
      await broker.createTopic('growing', 2);
      assert.equal(await run(folder, 'growing', 'relay: 1 × acknowledged'), 'killed');
      await broker.addPartitions('growing', 7);
      const records = await relayRest(folder, 'growing');
      const counts = countOnce(records);
      assert.ok(records.length > counts.size, 'some were acknowledged before the process was killed');
      assert.deepEqual(
        [...counts.values()].filter((count) => count !== 1),
        [],
      );
      assert.ok(records.every(({ partition }) => partition < 2));
      assert.equal(await run(folder, 'growing'), 'ended');
      assert.ok(
        (await relayRest(folder, 'growing')).some(({ partition }) => partition >= 2),
        'new ones use all',
      );
    }),
);

it('empties the spool that a killed process left behind', { timeout: 120_000 }, () =>
  inFolder(async (folder) => {
    await broker.createTopic('adopted', 2);
    const log = await openTestSpool({ brokers: broker.brokers, folder: join(folder, 'spool'), topics: ['adopted'] });
    try {
      assert.equal(await run(folder, 'adopted', 'relay: 1 × sending'), 'killed');
      const acknowledged = linesOf(join(folder, 'report')).length;
      await until('the spool is adopted', () => log.ledger().some(({ spool }) => spool !== log.id), 30_000);
      await until('only the own spool is left', () => log.ledger().every(({ spool }) => spool === log.id), 30_000);
      const counts = countOnce(await readWholeTopic(log, 'adopted'));
      assert.ok(acknowledged > 0);
      for (const line of linesOf(join(folder, 'report'))) assert.equal(counts.get(line.split(' ')[1]!), 1, line);
    } finally {
      await log.close();
    }
  }),
);
