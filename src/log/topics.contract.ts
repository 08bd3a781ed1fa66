import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { dayMs } from '../runtime/time.ts';
import {
  endsOf,
  patienceMs,
  read,
  readAll,
  record,
  rejects,
  sequence,
  text,
  type LogTest,
  type TopicUnderTest,
} from './topic-under-test.contract.ts';

const minuteMs = 60_000;

export function testTopics(test: LogTest): void {
  test('keeps a topic that is created again, whatever the settings', async (topic) => {
    await topic.log.append([record(topic, 'a')]);
    const before = await topic.log.describe(topic.name);
    await topic.log.create(topic.name, { partitions: 9, retentionMs: 0, compacted: true });
    assert.deepEqual(await topic.log.describe(topic.name), before);
  });

  test('makes one topic when several openings make it at once', async (topic) => {
    const second = await topic.opened.openAgain();
    const name = `${topic.name}-shared`;
    const settings = { partitions: 3, retentionMs: 0, compacted: false };
    await Promise.all([topic.log, second, topic.log, second].map((log) => log.create(name, settings)));
    const description = await second.describe(name);
    assert.deepEqual(await topic.log.describe(name), description);
    assert.deepEqual(
      description.partitions,
      sequence(0, 3).map(() => ({ start: 0, end: 0 })),
    );
    assert.notEqual(description.id, topic.id);
    await second.close();
  });

  test('refuses topics and partitions that do not exist', async (topic) => {
    await rejects(topic.log.describe(`${topic.name}-not`), 'topic-unknown');
    await rejects(read(topic, { topic: `${topic.name}-not` }), 'topic-unknown');
    await rejects(read(topic, { partition: 4 }), 'topic-unknown');
  });

  test('refuses to read a topic under the id of another', async (topic) => {
    await rejects(read(topic, { topicId: randomUUID(), waitMs: patienceMs }), 'topic-replaced');
  });
}

export function testClosing(test: LogTest): void {
  test('ends waiting reads, and refuses everything afterwards', async (topic) => {
    const waitingRead = rejects(read(topic, { waitMs: patienceMs }), 'log-closed');
    await Promise.all([topic.log.close(), topic.log.close()]);
    await waitingRead;
    await topic.log.close();
    await rejects(topic.log.append([record(topic, 'a')]), 'log-closed');
    await rejects(read(topic, {}), 'log-closed');
    await rejects(topic.log.describe(topic.name), 'log-closed');
  });

  test('waits for appends under way', async (topic) => {
    const appended = topic.log.append([record(topic, 'a', 'just in time')]);
    await topic.log.close();
    await appended;
    const log = await topic.opened.openAgain();
    assert.deepEqual(await endsOf({ ...topic, log }), [1]);
    await log.close();
  }, 1);
}

export function testExpiry(test: LogTest): void {
  test('never gives the offset of an expired record again', async (topic) => {
    await topic.log.append(sequence(0, 5).map(() => record(topic, 'a')));
    await topic.opened.expire(topic.name);
    assert.deepEqual((await topic.log.describe(topic.name)).partitions, [{ start: 5, end: 5 }]);
    await topic.log.append([record(topic, 'a')]);
    assert.deepEqual(
      (await read(topic, { from: 5 })).records.map(({ offset }) => offset),
      [5],
    );
    assert.deepEqual(await endsOf(topic), [6]);
  }, 1);

  test('begins at the start when asked for what has expired', async (topic) => {
    await topic.log.append([record(topic, 'a'), record(topic, 'a')]);
    await topic.opened.expire(topic.name);
    assert.deepEqual(await read(topic, { waitMs: patienceMs }), {
      records: [],
      next: 2,
      skipped: [],
      start: 2,
      end: 2,
    });
    await topic.log.append([record(topic, 'a', 'young')]);
    const { records, next, start, end } = await read(topic, {});
    assert.deepEqual(
      records.map(({ offset, value }) => [offset, text(value)]),
      [[2, 'young']],
    );
    assert.deepEqual({ next, start, end }, { next: 3, start: 2, end: 3 });
  }, 1);
}

export function testCompaction(test: LogTest): void {
  const testCompacted = (behaviour: string, body: (topic: TopicUnderTest) => Promise<void>): void =>
    test(behaviour, async (topic) => {
      const name = `${topic.name}-compacted`;
      await topic.log.create(name, { partitions: 1, retentionMs: 0, compacted: true });
      await body({ ...topic, name, id: (await topic.log.describe(name)).id });
    });
  const removal = (topic: TopicUnderTest, key: string) => ({ ...record(topic, key), value: null });
  const kept = async (topic: TopicUnderTest) =>
    (await readAll(topic, 0)).map(({ offset, key, value }) => [offset, text(key), value === null ? null : text(value)]);

  testCompacted('keeps the last record of each key where it was, and reads on beyond what is gone', async (topic) => {
    await topic.log.append(['a', 'b', 'a', 'c', 'b', 'b'].map((key, index) => record(topic, key, `${key}${index}`)));
    await topic.opened.compact(topic.name, 10 * minuteMs);
    await topic.log.append([record(topic, 'c', 'c6'), record(topic, 'c', 'c7')]);
    await topic.opened.compact(topic.name, 10 * minuteMs);
    assert.deepEqual(await kept(topic), [
      [2, 'a', 'a2'],
      [5, 'b', 'b5'],
      [7, 'c', 'c7'],
    ]);
    assert.deepEqual((await topic.log.describe(topic.name)).partitions, [{ start: 0, end: 8 }]);
    const { records, next } = await read(topic, { from: 3, maxBytes: 1 });
    assert.deepEqual([records.map(({ offset }) => offset), next], [[5], 6]);
  });

  testCompacted('never uses the offset of a removed record again', async (topic) => {
    await topic.log.append([record(topic, 'a', 'kept for a month'), removal(topic, 'a')]);
    await topic.opened.compact(topic.name, 10 * minuteMs);
    await topic.opened.compact(topic.name, 31 * dayMs);
    assert.deepEqual(await read(topic, { waitMs: patienceMs }), {
      records: [],
      next: 2,
      skipped: [],
      start: 0,
      end: 2,
    });
    await topic.log.append([record(topic, 'a', 'again')]);
    assert.deepEqual(await kept(topic), [[2, 'a', 'again']]);
  });

  testCompacted('keeps a tombstone for 30 days, and takes new records of its key', async (topic) => {
    await topic.log.append([
      record(topic, 'a', 'a'),
      record(topic, 'b', 'b'),
      removal(topic, 'a'),
      removal(topic, 'b'),
    ]);
    await topic.opened.compact(topic.name, 10 * minuteMs);
    await topic.log.append([record(topic, 'b', 'b again')]);
    await topic.opened.compact(topic.name, 29 * dayMs);
    assert.deepEqual(await kept(topic), [
      [2, 'a', null],
      [4, 'b', 'b again'],
    ]);
    await topic.opened.compact(topic.name, 31 * dayMs);
    assert.deepEqual(await kept(topic), [[4, 'b', 'b again']]);
    await topic.log.append([record(topic, 'a', 'a again')]);
    await topic.opened.compact(topic.name, 62 * dayMs);
    assert.deepEqual(await kept(topic), [
      [4, 'b', 'b again'],
      [5, 'a', 'a again'],
    ]);
  });

  test('keeps every record of a topic that is not compacted', async (topic) => {
    await topic.log.append([record(topic, 'a', 'first'), record(topic, 'a', 'second')]);
    await topic.opened.compact(topic.name, 31 * dayMs);
    assert.deepEqual(await kept(topic), [
      [0, 'a', 'first'],
      [1, 'a', 'second'],
    ]);
  }, 1);
}
