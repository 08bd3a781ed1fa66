import assert from 'node:assert/strict';
import type { NewRecord } from '../events/record.ts';
import { partitionOf } from './partition.ts';
import {
  endsOf,
  read,
  readAll,
  record,
  rejects,
  sequence,
  text,
  type LogTest,
  type TopicUnderTest,
} from './topic-under-test.contract.ts';

export function testAppending(test: LogTest): void {
  test('gives each partition consecutive offsets from 0, in the order of the records', async (topic) => {
    const keys = Array.from({ length: 40 }, (_, index) => `key ${index}`);
    const appended = await topic.log.append(keys.map((key) => record(topic, key)));
    const seen = [0, 0, 0, 0];
    for (const [index, { partition, offset }] of appended.entries()) {
      assert.equal(partition, partitionOf(Buffer.from(keys[index]!), 4));
      assert.equal(offset, seen[partition]!++);
    }
    assert.deepEqual(await endsOf(topic), seen);
  });

  test('keeps the order of calls made without waiting', async (topic) => {
    const calls = Array.from({ length: 50 }, (_, call) =>
      topic.log.append([record(topic, 'a', `${call}.0`), record(topic, 'a', `${call}.1`)]),
    );
    const offsets = (await Promise.all(calls)).flat().map(({ offset }) => offset);
    assert.deepEqual(offsets, sequence(0, 100));
    assert.deepEqual(
      (await readAll(topic, 0)).map(({ value }) => text(value)),
      calls.flatMap((_, call) => [`${call}.0`, `${call}.1`]),
    );
  }, 1);

  test('gives no offset twice when several openings append at once', async (topic) => {
    const second = await topic.opened.openAgain();
    const writers = [topic.log, second];
    const appended = await Promise.all(
      sequence(0, 60).map((index) => writers[index % 2]!.append([record(topic, 'a', String(index))])),
    );
    const offsets = appended.flat().map(({ offset }) => offset);
    assert.deepEqual(
      offsets.toSorted((a, b) => a - b),
      sequence(0, 60),
    );
    const stored = (await readAll(topic, 0)).map(({ value }) => Number(text(value)));
    assert.deepEqual(
      stored.filter((index) => index % 2 === 0),
      sequence(0, 30).map((index) => index * 2),
    );
    assert.deepEqual(
      stored,
      sequence(0, 60).map((offset) => offsets.indexOf(offset)),
    );
    await second.close();
  }, 1);

  test('appends nothing of a call that names an unknown topic', async (topic) => {
    const call = topic.log.append([record(topic, 'a'), { ...record(topic, 'b'), topic: `${topic.name}-not` }]);
    const neighbour = topic.log.append([record(topic, 'c')]);
    await rejects(call, 'topic-unknown');
    await neighbour;
    assert.equal(sum(await endsOf(topic)), 1);
  });

  test('answers an empty call', async (topic) => {
    assert.deepEqual(await topic.log.append([]), []);
  });

  test('keeps records without a key', async (topic) => {
    const [appended] = await topic.log.append([{ ...record(topic, ''), key: null }]);
    const [stored] = await readAll(topic, appended!.partition);
    assert.equal(stored?.key, null);
  });
}

export function testBytes(test: LogTest): void {
  const keeps = async (topic: TopicUnderTest, given: Partial<NewRecord>): Promise<void> => {
    const [{ partition, offset } = { partition: -1, offset: -1 }] = await topic.log.append([
      { ...record(topic, 'key'), ...given },
    ]);
    const { records } = await read(topic, { partition, from: offset });
    const expected = { ...record(topic, 'key'), ...given };
    const { key, value, headers } = records[0]!;
    assert.deepEqual(plain({ key, value, headers }), plain(expected));
  };
  const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);

  test('keeps keys and values byte for byte', async (topic) => {
    await keeps(topic, { key: everyByte, value: everyByte });
    await keeps(topic, { value: Buffer.from('..part of a larger buffer..').subarray(2, -2) });
    await keeps(topic, { value: Buffer.alloc(300_000, 'large ') });
  });

  test('tells an empty key and value from none', async (topic) => {
    await keeps(topic, { key: new Uint8Array(0), value: new Uint8Array(0) });
    await keeps(topic, { value: null });
  });

  test('keeps headers in order, repeated, binary, empty and many', async (topic) => {
    await keeps(topic, {
      headers: [
        ['ce_id', everyByte],
        ['ce_id', Buffer.from('again')],
        ['', new Uint8Array(0)],
        ['žluťoučký 📖', Buffer.alloc(20_000, 'x')],
      ],
    });
    await keeps(topic, { headers: sequence(0, 300).map((index) => [`name ${index}`, Buffer.from(String(index))]) });
  });

  test('stamps records with their arrival', async (topic) => {
    const beforeMs = Date.now();
    await topic.log.append([record(topic, 'a')]);
    const [stored] = await readAll(topic, partitionOf(Buffer.from('a'), 4));
    assert.ok(stored!.timestamp >= beforeMs && stored!.timestamp <= Date.now(), String(stored!.timestamp));
  });
}

/** Comparable whatever class the bytes have. */
function plain({ key, value, headers }: Pick<NewRecord, 'key' | 'value' | 'headers'>): unknown {
  const hex = (data: Uint8Array | null): string | null => (data === null ? null : Buffer.from(data).toString('hex'));
  return { key: hex(key), value: hex(value), headers: headers.map(([name, data]) => [name, hex(data)]) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
