import assert from 'node:assert/strict';
import type { NewRecord, StoredRecord } from '../events/record.ts';
import { partitionOf } from './topic-rules.ts';
import {
  endsOf,
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
    await topic.log.append(keys.map((key) => record(topic, key)));
    for (const partition of sequence(0, 4)) {
      const expected = keys.filter((key) => partitionOf(Buffer.from(key), 4) === partition);
      assert.deepEqual(
        (await readAll(topic, partition)).map(({ offset, key }) => [offset, text(key)]),
        expected.map((key, offset) => [offset, key]),
      );
      assert.equal((await endsOf(topic))[partition], expected.length);
    }
  });

  test('keeps the order of calls made without waiting', async (topic) => {
    const calls = Array.from({ length: 50 }, (_, call) =>
      topic.log.append([record(topic, 'a', `${call}.0`), record(topic, 'a', `${call}.1`)]),
    );
    await Promise.all(calls);
    assert.deepEqual(
      (await readAll(topic, 0)).map(({ offset, value }) => [offset, text(value)]),
      sequence(0, 100).map((offset) => [offset, `${Math.floor(offset / 2)}.${offset % 2}`]),
    );
  }, 1);

  test('gives no offset twice when several openings append at once', async (topic) => {
    const second = await topic.opened.openAgain();
    const writers = [topic.log, second];
    await Promise.all(sequence(0, 60).map((index) => writers[index % 2]!.append([record(topic, 'a', String(index))])));
    const stored = await readAll(topic, 0);
    assert.deepEqual(
      stored.map(({ offset }) => offset),
      sequence(0, 60),
    );
    for (const writer of [0, 1]) {
      assert.deepEqual(
        stored.map(({ value }) => Number(text(value))).filter((index) => index % 2 === writer),
        sequence(0, 30).map((index) => index * 2 + writer),
      );
    }
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
    await topic.log.append([]);
    assert.deepEqual(await endsOf(topic), [0, 0, 0, 0]);
  });

  test('keeps records without a key', async (topic) => {
    await topic.log.append([{ ...record(topic, ''), key: null }]);
    const stored = await Promise.all(sequence(0, 4).map((partition) => readAll(topic, partition)));
    assert.deepEqual(
      stored.flat().map(({ key }) => key),
      [null],
    );
  });
}

export function testBytes(test: LogTest): void {
  const keeps = async (topic: TopicUnderTest, given: Partial<NewRecord>): Promise<void> => {
    const expected = { ...record(topic, 'key'), ...given };
    await topic.log.append([expected]);
    const stored = await readAll(topic, partitionOf(expected.key!, 4));
    const { key, value, headers } = stored.at(-1)!;
    assert.deepEqual(plain({ key, value, headers }), plain(expected));
  };
  const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);

  test('keeps keys and values byte for byte', async (topic) => {
    await keeps(topic, { key: everyByte, value: everyByte });
    await keeps(topic, { value: Buffer.from('..part of a larger buffer..').subarray(2, -2) });
    await keeps(topic, { value: Buffer.alloc(300_000, 'large ') });
  });

  test('keeps an empty key and value apart from missing ones', async (topic) => {
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
function plain({ key, value, headers }: Pick<StoredRecord, 'key' | 'value' | 'headers'>): unknown {
  const hex = (data: Uint8Array | null): string | null => (data === null ? null : Buffer.from(data).toString('hex'));
  return { key: hex(key), value: hex(value), headers: Array.from(headers, ([name, data]) => [name, hex(data)]) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
