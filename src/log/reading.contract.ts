import assert from 'node:assert/strict';
import { dayMs } from '../runtime/time.ts';
import { partitionOf } from './topic-rules.ts';
import { patienceMs, read, readAll, record, sequence, text, type LogTest } from './topic-under-test.contract.ts';

export function testReading(test: LogTest): void {
  const thousandBytes = 'x'.repeat(1_000);

  test('begins at the offset asked for', async (topic) => {
    await topic.log.append(sequence(0, 10).map((index) => record(topic, 'a', String(index))));
    const { records, next, start, end } = await read(topic, { from: 7 });
    assert.deepEqual(
      records.map(({ topic: name, partition, offset, value }) => [name, partition, offset, text(value)]),
      [7, 8, 9].map((offset) => [topic.name, 0, offset, String(offset)]),
    );
    assert.deepEqual({ next, start, end }, { next: 10, start: 0, end: 10 });
  }, 1);

  test('gives a bounded part at a time, and all of it in the end', async (topic) => {
    await topic.log.append(sequence(0, 100).map((index) => record(topic, 'a', `${index} ${thousandBytes}`)));
    const first = await read(topic, { maxBytes: 10_000 });
    assert.ok(first.records.length > 0 && first.records.length < 20, String(first.records.length));
    assert.equal(first.next, first.records.length);
    const offsets = (await readAll(topic, 0, 10_000)).map(({ offset }) => offset);
    assert.deepEqual(offsets, sequence(0, 100));
  }, 1);

  test('gives one record however small the bound', async (topic) => {
    await topic.log.append([record(topic, 'a', thousandBytes), record(topic, 'a', thousandBytes)]);
    const { records, next } = await read(topic, { maxBytes: 1 });
    assert.equal(records[0]?.offset, 0);
    assert.equal(next, records.length);
  }, 1);

  test('answers at once above the end', async (topic) => {
    await topic.log.append([record(topic, 'a')]);
    const { records, end } = await read(topic, { from: 5, waitMs: patienceMs });
    assert.deepEqual({ records, end }, { records: [], end: 1 });
  }, 1);

  test('reads every partition, whichever are read at the same time', async (topic) => {
    const other = `${topic.name}-other`;
    await topic.log.create(other, { partitions: 1, retentionMs: dayMs, compacted: false });
    const { id: otherId } = await topic.log.describe(other);
    const [first, second] = [0, 1].map((partition) => ({
      key: keyIn(partition, 2),
      read: () => read(topic, { partition }),
    }));
    const between = () => read(topic, { topic: other, topicId: otherId });
    // One after the other they join those who are read already.
    const joined = [first!.read, between, second!.read];
    for (let reading = 1; reading <= joined.length; reading++) {
      await Promise.all(joined.slice(0, reading).map((readOne) => readOne()));
    }
    await topic.log.append([first!, second!].map(({ key }) => record(topic, key, 'there')));
    await topic.log.append([{ ...record(topic, 'a', 'there'), topic: other }]);
    for (const { records, end } of await Promise.all(joined.map((readOne) => readOne()))) {
      assert.deepEqual([records.map(({ value }) => text(value)), end], [['there'], 1]);
    }
  }, 2);

  test('returns at once without records when it may not wait', async (topic) => {
    assert.deepEqual(await read(topic, {}), { records: [], next: 0, skipped: [], start: 0, end: 0 });
  });

  test('keeps what was appended until it is opened again', async (topic) => {
    await topic.log.append([record(topic, 'a', 'kept')]);
    await topic.log.close();
    const log = await topic.opened.openAgain();
    const [stored] = await readAll({ ...topic, log }, partitionOf(Buffer.from('a'), 4));
    assert.equal(text(stored!.value), 'kept');
    await log.append([record(topic, 'a', 'next')]);
    const [, next] = await readAll({ ...topic, log }, partitionOf(Buffer.from('a'), 4));
    assert.deepEqual([next?.offset, text(next!.value)], [1, 'next']);
    await log.close();
  });
}

export function testWaiting(test: LogTest): void {
  test('wakes every waiting read when a record comes', async (topic) => {
    const reads = [1, 2, 3].map(() => read(topic, { waitMs: patienceMs }));
    await topic.log.append([record(topic, 'a', 'awaited')]);
    for (const { records, next, end } of await Promise.all(reads)) {
      assert.deepEqual([records.map(({ value }) => text(value)), next, end], [['awaited'], 1, 1]);
    }
  }, 1);

  test('wakes when another opening appends', async (topic) => {
    const second = await topic.opened.openAgain();
    const waitingRead = read(topic, { waitMs: patienceMs });
    await second.append([record(topic, 'a', 'from elsewhere')]);
    assert.equal(text((await waitingRead).records[0]!.value), 'from elsewhere');
    await second.close();
  }, 1);

  test('waits on while records come to other partitions', async (topic) => {
    const partition = partitionOf(Buffer.from('a'), 4);
    const other = keyIn((partition + 1) % 4, 4);
    const waitingRead = read(topic, { partition, waitMs: patienceMs });
    await topic.log.append([record(topic, other)]);
    await topic.log.append([record(topic, 'a', 'mine')]);
    assert.deepEqual(
      (await waitingRead).records.map(({ value }) => text(value)),
      ['mine'],
    );
  });

  test('returns no records when the wait is over', async (topic) => {
    assert.deepEqual((await read(topic, { waitMs: 20 })).records, []);
  });

  test('returns no records when the signal fires', async (topic) => {
    const abort = new AbortController();
    const waitingRead = read(topic, { waitMs: patienceMs, signal: abort.signal });
    abort.abort();
    assert.deepEqual((await waitingRead).records, []);
    assert.deepEqual((await read(topic, { waitMs: patienceMs, signal: abort.signal })).records, []);
  });
}

/** A key whose records go to this partition of so many. */
function keyIn(partition: number, partitions: number): string {
  return sequence(0, 100)
    .map((index) => `key ${index}`)
    .find((key) => partitionOf(Buffer.from(key), partitions) === partition)!;
}
