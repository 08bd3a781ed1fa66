import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { hourMs } from '../../../runtime/time.ts';
import { makeTemporaryFolder } from '../../../../test/support/temporary-folder.ts';
import type { CountedSearch } from '../trend-projection.ts';
import { openSqliteTrendStore } from '../store/sqlite/trend-store.ts';
import type { TrendStore } from '../store/trend-store.ts';

const hour = 500_000;
const nothing = { applied: 0, duplicate: 0, dead: 0, late: 0, gap: 0, compacted: 0 };

function search(atHour: number, reader: number | null): CountedSearch {
  return {
    kind: 'search',
    queryKey: 'emma',
    label: 'emma',
    hour: atHour,
    reader,
    anonymous: reader === null,
    time: atHour * hourMs,
    corrected: null,
    books: Buffer.from('[]'),
    place: 0,
    lead: null,
    unanswered: false,
  };
}

describe('a search that is redriven', () => {
  let folder = '';
  let store: TrendStore;

  beforeEach(async () => {
    folder = makeTemporaryFolder();
    store = openSqliteTrendStore(join(folder, 'trend.sqlite'), { clock: () => 0, busyTimeoutMs: 1_000 });
    const partitions = [{ topic: 't', partition: 0, topicId: 'i', start: 0, end: 2 }];
    await store.lease({ projection: 'p', version: 1, instance: 'a', ttlMs: 1_000, partitions });
  });

  afterEach(async () => {
    await store.close();
  });

  /** Reads a record that is dead, then a search some hours later. */
  const readUpTo = (hoursLater: number): Promise<boolean> =>
    store.commit({
      topic: 't',
      partition: 0,
      projection: 'p',
      instance: 'a',
      expected: 0,
      next: 2,
      end: 2,
      arrivedMs: (hour + hoursLater) * hourMs,
      fingerprint: null,
      outcomes: { ...nothing, applied: 1, dead: 1 },
      changes: [search(hour + hoursLater, 2)],
      deadLetters: [
        {
          offset: 0,
          timestamp: hour * hourMs,
          key: null,
          value: null,
          headers: [],
          cause: 'bad-event',
          reason: 'once unreadable',
        },
      ],
      marks: new Map(),
    });

  const redrive = (change: CountedSearch): Promise<boolean> =>
    store.settle({
      projection: 'p',
      version: 1,
      topic: 't',
      partition: 0,
      offset: 0,
      become: { status: 'redriven', change },
    });

  const readersAt = async (atHour: number): Promise<unknown> => {
    const number = await store.find('emma');
    const [described] = await store.describe([number!], hour);
    const counts = described?.hours.find((known) => known.hour === atHour);
    return [counts?.readers ?? 0, counts?.anonymous ?? 0, counts?.searches ?? 0];
  };

  it('counts its reader while the readers of its hour are known', async () => {
    await readUpTo(24);
    assert.equal(await redrive(search(hour, 1)), true);
    assert.deepEqual(await readersAt(hour), [1, 0, 1]);
  });

  it('is refused once they may be forgotten, and stays waiting', async () => {
    await readUpTo(25);
    await assert.rejects(redrive(search(hour, 1)), { code: 'too-late-to-redrive' });
    assert.deepEqual(await readersAt(hour), [0, 0, 0]);
    const [letter] = await store.deadLetters({ limit: 9 });
    assert.equal(letter?.status, 'waiting');
    assert.deepEqual((await store.positions('p'))[0]?.outcomes, { ...nothing, applied: 1, dead: 1 });
  });

  it('counts at any time when it names no reader', async () => {
    await readUpTo(25);
    assert.equal(await redrive(search(hour, null)), true);
    assert.deepEqual(await readersAt(hour), [0, 1, 1]);
  });
});
