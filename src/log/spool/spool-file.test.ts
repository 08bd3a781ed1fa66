import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { makeTemporaryFolder } from '../../../test/support/temporary-folder.ts';
import { encodeHeaders } from '../../events/record.ts';
import type { Row } from '../sqlite/group-commit.ts';
import { openSpoolFile, readSpoolLedger, openSpoolFolder } from './spool-file.ts';
import { createIncomingRows, type IncomingRows } from './incoming.ts';
import { createOutgoingRecords, type OutgoingRecords, type SpooledTopic } from './outgoing.ts';

function inFolder(body: (folder: string) => void): void {
  const folder = makeTemporaryFolder();
  body(folder);
}

type Spool = {
  readonly incoming: IncomingRows;
  readonly outgoing: OutgoingRecords;
  readonly topic: SpooledTopic;
  readonly rows: (...values: readonly string[]) => readonly Row[];
  /** What waits from a position on. */
  readonly values: (from?: number) => readonly string[];
  readonly counts: () => Record<string, number>;
};

/** A spool of topics `t` and `other`, its clock standing at 7. */
function withSpool(body: (spool: Spool) => void): void {
  inFolder((folder) => {
    const database = openSpoolFile(join(folder, 'spool.sqlite'), { busyTimeoutMs: 0 });
    const incoming = createIncomingRows(database, () => 7);
    for (const topic of ['t', 'other']) incoming.addTopic(topic);
    const outgoing = createOutgoingRecords(database);
    const topic = outgoing.topics().find(({ name }) => name === 't')!;
    body({
      incoming,
      outgoing,
      topic,
      rows: (...values) =>
        values.map((value) => ({
          number: topic.number,
          key: null,
          value: Buffer.from(value),
          headers: encodeHeaders([]),
        })),
      values: (from = topic.base) =>
        outgoing.read(topic, from, 100, 1_000).map(({ value }) => Buffer.from(value!).toString()),
      counts: () => {
        const row = readSpoolLedger(database, 'spool').find((one) => one.topic === 't')!;
        const { accepted, relayed, dropped, setAside, waiting } = row;
        return { accepted, relayed, dropped, setAside, waiting };
      },
    });
    database.close();
  });
}

void describe('spool file', () => {
  void it('counts what comes in and what becomes of it', () =>
    withSpool(({ incoming, outgoing, topic, rows, values, counts }) => {
      incoming.write(rows('a', 'b', 'c', 'd', 'e'));
      incoming.drop(rows('f', 'g'));
      incoming.write(rows('h'));
      const read = outgoing.read(topic, topic.base, 100, 1_000);
      outgoing.removeRelayed(topic, [read[0]!, read[2]!]);
      outgoing.setAside(topic, read[1]!, 'too large', 8);
      assert.deepEqual(values(), ['d', 'e', 'h']);
      assert.deepEqual(counts(), { accepted: 8, relayed: 2, dropped: 2, setAside: 1, waiting: 3 });
      const next = outgoing.drop(topic, read[3]!.position, 1, 1_000);
      assert.deepEqual(values(next), ['e', 'h']);
      outgoing.removeRelayed(topic, outgoing.read(topic, next, 100, 1_000));
      assert.deepEqual(counts(), { accepted: 8, relayed: 4, dropped: 3, setAside: 1, waiting: 0 });
      assert.deepEqual(
        [outgoing.isEmpty(), outgoing.waitingBytes(), outgoing.arrivalAt(topic, topic.base)],
        [true, 0, null],
      );
    }));

  void it('reads a bounded part, and one record however small the bound', () =>
    withSpool(({ incoming, outgoing, topic, rows }) => {
      incoming.write(rows('a'.repeat(300), 'b'.repeat(300), 'c'.repeat(300)));
      assert.equal(outgoing.read(topic, topic.base, 100, 700).length, 2);
      assert.equal(outgoing.read(topic, topic.base, 1, 700).length, 1);
      assert.equal(outgoing.read(topic, topic.base, 100, 1).length, 1);
      assert.equal(outgoing.arrivalAt(topic, topic.base), 7);
    }));

  void it('keeps the number of partitions for records that wait already', () =>
    withSpool(({ incoming, outgoing, topic, rows }) => {
      outgoing.address(topic, 2, 'beginning');
      incoming.write(rows('a', 'b'));
      outgoing.address(topic, 4, 'end');
      assert.deepEqual(outgoing.addressings(topic), [
        { from: topic.base, partitions: 2 },
        { from: topic.base + 2, partitions: 4 },
      ]);
      outgoing.address(topic, 1, 'beginning');
      assert.deepEqual(outgoing.addressings(topic), [{ from: topic.base, partitions: 1 }]);
    }));

  void it('refuses unknown topics', () =>
    withSpool(({ incoming }) => {
      assert.throws(() => incoming.numberOf('unknown'), { code: 'topic-unknown' });
    }));
});

void describe('spool folder', () => {
  void it('gives no spool to two owners at once, and gives a released one again', () =>
    inFolder((folder) => {
      const spools = openSpoolFolder(join(folder, 'spool'), Date.now);
      const first = spools.claimAny();
      openSpoolFile(first.path, { busyTimeoutMs: 0 }).close();
      const second = spools.claimAny();
      openSpoolFile(second.path, { busyTimeoutMs: 0 }).close();
      assert.notEqual(first.id, second.id);
      assert.deepEqual([...spools.claimFree()], []);
      first.release();
      const again = spools.claimAny();
      assert.equal(again.id, first.id);
      again.release();
      second.release();
    }));

  void it('gives no spool that was emptied and removed', () =>
    inFolder((folder) => {
      const spools = openSpoolFolder(join(folder, 'spool'), Date.now);
      const left = spools.claimAny();
      openSpoolFile(left.path, { busyTimeoutMs: 0 }).close();
      left.release();
      const [adopted] = spools.claimFree();
      assert.equal(adopted?.id, left.id);
      adopted.remove();
      assert.equal(existsSync(left.path), false);
      assert.deepEqual([...spools.claimFree()], []);
      const next = spools.claimAny();
      assert.notEqual(next.id, left.id);
      next.release();
    }));
});
