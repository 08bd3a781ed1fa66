import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { makeTemporaryFolder } from '../../../test/support/temporary-folder.ts';
import { defaultTopicNames } from '../../events/topics.ts';
import type { EventLog, ReadResult } from '../log.ts';
import { openLog } from '../open-log.ts';

const topic = defaultTopicNames.searches;
const never = new AbortController().signal;
const patienceMs = 30_000;

/** A program that opens the log at `path` and then runs `body`. */
function program(path: string, body: string): string {
  const url = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
  return `
    const { openLog } = await import(${url('../open-log.ts')});
    const { defaultTopicNames } = await import(${url('../../events/topics.ts')});
    const open = () => openLog(
      { kind: 'sqlite', path: ${JSON.stringify(path)}, topics: defaultTopicNames, partitions: 1 },
      { clock: Date.now, busyTimeoutMs: 50, patienceMs: 20000 });
    const log = await open();
    const append = (value) => log.append([{ topic: '${topic}', key: null, value: Buffer.from(value), headers: [] }]);
    ${body}`;
}

function start(source: string): ChildProcess {
  return spawn(process.execPath, ['--input-type=module', '--eval', source], { stdio: ['ignore', 'pipe', 'inherit'] });
}

void describe('SQLite log opened by several', () => {
  const test = (behaviour: string, body: (path: string, log: () => Promise<EventLog>) => Promise<void>): void => {
    void it(behaviour, { timeout: 2 * patienceMs }, async () => {
      const folder = makeTemporaryFolder();
      const path = join(folder, 'log.sqlite');
      const opened: EventLog[] = [];
      try {
        await body(path, async () => {
          const log = await openLog(
            { kind: 'sqlite', path, topics: defaultTopicNames, partitions: 1 },
            { clock: Date.now, busyTimeoutMs: 50 },
          );
          opened.push(log);
          return log;
        });
      } finally {
        await Promise.all(opened.map((log) => log.close()));
      }
    });
  };
  const readFrom = async (log: EventLog, from: number): Promise<ReadResult> => {
    const { id } = await log.describe(topic);
    return log.read({ topic, topicId: id, partition: 0, from, maxBytes: 64 << 20, waitMs: patienceMs, signal: never });
  };
  const texts = ({ records }: ReadResult): readonly string[] =>
    records.map(({ value }) => Buffer.from(value!).toString());

  test('wakes a waiting read when a worker thread appends', async (path, open) => {
    const log = await open();
    const waiting = readFrom(log, 0);
    const source = program(path, `await append('from a thread'); await log.close();`);
    const worker = new Worker(`void (async () => {${source}})();`, { eval: true });
    const exited = once(worker, 'exit');
    assert.deepEqual(texts(await waiting), ['from a thread']);
    await exited;
  });

  test('wakes a waiting read when another process appends', async (path, open) => {
    const log = await open();
    const waiting = readFrom(log, 0);
    const child = start(program(path, `await append('from a process'); await log.close();`));
    const exited = once(child, 'exit');
    assert.deepEqual(texts(await waiting), ['from a process']);
    assert.deepEqual(await exited, [0, null]);
  });

  test('lets processes that start together make the same topics and append to them', async (path, open) => {
    const children = ['a', 'b', 'c'].map((name) =>
      start(program(path, `for (let i = 0; i < 200; i++) await append('${name}' + i); await log.close();`)),
    );
    for (const exited of await Promise.all(children.map((child) => once(child, 'exit')))) {
      assert.deepEqual(exited, [0, null]);
    }
    const read = await readFrom(await open(), 0);
    assert.deepEqual(
      read.records.map(({ offset }) => offset),
      Array.from({ length: 600 }, (_, offset) => offset),
    );
    for (const name of ['a', 'b', 'c']) {
      assert.deepEqual(
        texts(read).filter((value) => value.startsWith(name)),
        Array.from({ length: 200 }, (_, index) => `${name}${index}`),
      );
    }
  });

  test('keeps every acknowledged record of a process that was killed', async (path, open) => {
    const source = `for (let i = 0; ; i++) { await append(String(i)); process.stdout.write(i + '\\n'); }`;
    const child = start(program(path, source));
    const exited = once(child, 'exit');
    let acknowledged = -1;
    for await (const line of createInterface({ input: child.stdout! })) {
      acknowledged = Number(line);
      if (acknowledged === 300) child.kill('SIGKILL');
    }
    assert.deepEqual(await exited, [null, 'SIGKILL']);
    const log = await open();
    const read = await readFrom(log, 0);
    assert.ok(acknowledged >= 300 && read.end > acknowledged, `${acknowledged} acknowledged, ${read.end} kept`);
    assert.deepEqual(
      texts(read),
      Array.from({ length: read.end }, (_, index) => String(index)),
    );
    await log.append([{ topic, key: null, value: Buffer.from('next'), headers: [] }]);
    const next = await readFrom(log, read.end);
    assert.deepEqual([next.records[0]?.offset, texts(next)], [read.end, ['next']]);
  });
});
