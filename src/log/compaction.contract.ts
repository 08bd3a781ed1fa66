import assert from 'node:assert/strict';
import { dayMs } from '../runtime/time.ts';
import {
  patienceMs,
  read,
  readAll,
  record,
  text,
  type LogTest,
  type TopicUnderTest,
} from './topic-under-test.contract.ts';

const minuteMs = 60_000;

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
