import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ProgressStore, Settlement } from './dead-letter-book.ts';
import type { DeadLetter, LeaseRequest, PartitionName, ProgressCommit } from './progress.ts';

/** A change that the state of these tests remembers; `fail` makes applying it throw. */
export type ContractChange = { readonly word: string; readonly fail?: boolean };

/** A fresh, empty database with its progress and a state that lists applied words. */
type OpenProgress = {
  readonly progress: ProgressStore<ContractChange>;
  /** Moves the clock leases are measured with. */
  readonly passMs: (ms: number) => void;
  /** What the state holds, in the order it was applied. */
  readonly words: () => Promise<readonly string[]>;
  readonly watermarks: () => readonly number[];
  /** Whether each of them was for changes just read or for a redriven one. */
  readonly occasions: () => readonly string[];
  readonly close: () => Promise<void>;
};

const ttlMs = 1_000;
const nothing = { applied: 0, duplicate: 0, dead: 0, late: 0, gap: 0, compacted: 0 };

function request(instance: string, overrides: Partial<LeaseRequest> = {}): LeaseRequest {
  const partitions = [0, 1, 2, 3].map((partition) => ({ topic: 't', partition, topicId: 'id-1', start: 5, end: 9 }));
  return { projection: 'p', version: 1, instance, ttlMs, partitions, ...overrides };
}

function commitOf(instance: string, words: readonly string[], overrides: Partial<ProgressCommit<ContractChange>> = {}) {
  return {
    topic: 't',
    partition: 0,
    projection: 'p',
    instance,
    expected: 5,
    next: 5 + words.length,
    end: 9,
    arrivedMs: 1_000,
    fingerprint: 'f',
    outcomes: { ...nothing, applied: words.length },
    changes: words.map((word) => ({ word })),
    deadLetters: [],
    marks: new Map<string, number>(),
    ...overrides,
  };
}

function deadLetter(offset: number, overrides: Partial<DeadLetter> = {}): DeadLetter {
  return {
    offset,
    timestamp: 1_000 + offset,
    key: Buffer.from([0, 255]),
    value: null,
    headers: [
      ['h', Buffer.from([1])],
      ['h', Buffer.from([])],
    ],
    cause: 'bad-event',
    reason: `bad at ${offset}`,
    ...overrides,
  };
}

/** One word applied at offset 5, then dead letters up to 8. */
async function withDeadLetters(progress: ProgressStore<ContractChange>): Promise<void> {
  await progress.lease(request('a'));
  const deadLetters = [deadLetter(6), deadLetter(7, { cause: 'unexpected', value: Buffer.from('{') }), deadLetter(8)];
  const outcomes = { ...nothing, applied: 1, dead: 3 };
  assert.equal(await progress.commit(commitOf('a', ['x'], { next: 9, deadLetters, outcomes })), true);
}

function settlement(
  offset: number,
  become: Settlement<ContractChange>['become'],
  version = 1,
): Settlement<ContractChange> {
  return { projection: 'p', version, topic: 't', partition: 0, offset, become };
}

const redriven = (word: string) => ({ status: 'redriven', change: { word } }) as const;

const names = (partitions: readonly PartitionName[]): readonly number[] => partitions.map(({ partition }) => partition);

/** What every Progress promises; run it once per technology. */
export function progressContract(technology: string, open: () => Promise<OpenProgress>): void {
  const test = (name: string, body: (opened: OpenProgress) => Promise<void>): void => {
    it(name, async () => {
      const opened = await open();
      try {
        await body(opened);
      } finally {
        await opened.close();
      }
    });
  };

  describe(`progress in ${technology}`, () => {
    test('leases every partition to a lone instance, starting at the first offset', async ({ progress }) => {
      assert.deepEqual(
        await progress.lease(request('a')),
        [0, 1, 2, 3].map((partition) => ({ topic: 't', partition })),
      );
      const position = await progress.load('p', { topic: 't', partition: 3 });
      assert.deepEqual([position.first, position.next, position.topicId, position.instance], [5, 5, 'id-1', 'a']);
    });

    test('shares partitions fairly when a second instance joins', async ({ progress }) => {
      await progress.lease(request('a'));
      assert.deepEqual(names(await progress.lease(request('b'))), []);
      assert.deepEqual(names(await progress.lease(request('a'))), [0, 1]);
      assert.deepEqual(names(await progress.lease(request('b'))), [2, 3]);
    });

    test('takes over from an instance that is no longer seen, and from one that gave back', async ({
      progress,
      passMs,
    }) => {
      await progress.lease(request('a'));
      passMs(ttlMs + 1);
      assert.deepEqual(names(await progress.lease(request('b'))), [0, 1, 2, 3]);
      await progress.release('p', 'b');
      assert.deepEqual(names(await progress.lease(request('c'))), [0, 1, 2, 3]);
    });

    test('renews a lease once a quarter of its time has passed', async ({ progress, passMs }) => {
      await progress.lease(request('a'));
      passMs(ttlMs / 4);
      await progress.lease(request('a'));
      passMs(ttlMs - 1);
      assert.deepEqual(names(await progress.lease(request('b'))), []);
      passMs(2);
      assert.deepEqual(names(await progress.lease(request('b'))), [0, 1, 2, 3]);
    });

    test('takes over at once when the clock was set back further than a lease is long', async ({
      progress,
      passMs,
    }) => {
      await progress.lease(request('a'));
      passMs(-3 * ttlMs);
      assert.deepEqual(names(await progress.lease(request('b'))), [0, 1, 2, 3]);
      assert.deepEqual(names(await progress.lease(request('a'))), []);
      assert.deepEqual(names(await progress.lease(request('b'))), [0, 1]);
    });

    test('forgets instances that are gone at once, also one that holds nothing', async ({ progress }) => {
      await progress.lease(request('a'));
      await progress.lease(request('idle'));
      const isGone = (instance: string): boolean => instance !== 'b';
      assert.deepEqual(names(await progress.lease(request('b', { isGone }))), [0, 1, 2, 3]);
      assert.deepEqual(names(await progress.lease(request('a'))), []);
      assert.deepEqual(names(await progress.lease(request('b'))), [0, 1]);
    });

    test('commits state and position together', async ({ progress, words }) => {
      await progress.lease(request('a'));
      assert.equal(await progress.commit(commitOf('a', ['x', 'y'])), true);
      assert.deepEqual(await words(), ['x', 'y']);
      const [position] = await progress.positions('p');
      assert.deepEqual([position?.next, position?.arrivedMs, position?.fingerprint], [7, 1_000, 'f']);
      assert.deepEqual(position?.outcomes, { ...nothing, applied: 2 });
    });

    test('refuses a commit that does not start where the last one ended', async ({ progress, words }) => {
      await progress.lease(request('a'));
      await progress.commit(commitOf('a', ['x']));
      assert.equal(await progress.commit(commitOf('a', ['x'])), false);
      assert.equal(await progress.commit(commitOf('a', ['z'], { expected: 7, next: 8 })), false);
      assert.deepEqual(await words(), ['x']);
    });

    test('refuses an instance that has lost its lease', async ({ progress, passMs, words }) => {
      await progress.lease(request('a'));
      passMs(ttlMs + 1);
      await progress.lease(request('b'));
      assert.equal(await progress.commit(commitOf('a', ['x'])), false);
      assert.equal(await progress.commit(commitOf('b', ['y'])), true);
      assert.deepEqual(await words(), ['y']);
    });

    test('leaves nothing behind when a change cannot be applied', async ({ progress, words }) => {
      await progress.lease(request('a'));
      const changes = [{ word: 'x' }, { word: 'y', fail: true }];
      await assert.rejects(progress.commit(commitOf('a', [], { changes, next: 7, marks: new Map([['s', 3]]) })));
      assert.deepEqual(await words(), []);
      const start = await progress.load('p', { topic: 't', partition: 0 });
      assert.deepEqual([start.next, start.marks.size], [5, 0]);
    });

    test('keeps the last sequence of each producer', async ({ progress }) => {
      await progress.lease(request('a'));
      await progress.commit(
        commitOf('a', ['x'], {
          marks: new Map([
            ['s', 3],
            ['r', 1],
          ]),
        }),
      );
      await progress.commit(commitOf('a', ['y'], { expected: 6, next: 7, marks: new Map([['s', 4]]) }));
      const start = await progress.load('p', { topic: 't', partition: 0 });
      assert.deepEqual(Object.fromEntries(start.marks), { r: 1, s: 4 });
      assert.equal((await progress.load('p', { topic: 't', partition: 1 })).marks.size, 0);
    });

    test('gives the state the watermark behind which nothing is unread', async ({ progress, watermarks }) => {
      await progress.lease(request('a'));
      await progress.commit(commitOf('a', ['x'], { arrivedMs: 500 }));
      for (const partition of [1, 2, 3]) {
        await progress.commit(commitOf('a', ['x', 'x', 'x', 'x'], { partition, arrivedMs: 900 + partition }));
      }
      await progress.commit(commitOf('a', ['y', 'y', 'y'], { expected: 6, next: 9, arrivedMs: 950 }));
      assert.deepEqual(watermarks(), [0, 0, 0, 500, 950]);
    });

    test('counts what has arrived since as unread, also in partitions not read yet', async ({
      progress,
      watermarks,
    }) => {
      const partitions = (end: number) =>
        [0, 1].map((partition) => ({ topic: 't', partition, topicId: 'id-1', start: 5, end }));
      await progress.lease(request('a', { partitions: partitions(6) }));
      await progress.commit(commitOf('a', ['x'], { end: 6, arrivedMs: 500 }));
      await progress.commit(commitOf('a', ['x'], { partition: 1, end: 6, arrivedMs: 600 }));
      await progress.lease(request('a', { partitions: partitions(9) }));
      await progress.commit(commitOf('a', ['x', 'x', 'x'], { partition: 1, expected: 6, next: 9, arrivedMs: 900 }));
      assert.deepEqual(watermarks(), [0, 600, 500]);
    });

    test('refuses state of a newer or older fold', async ({ progress }) => {
      await progress.lease(request('a', { version: 2 }));
      await assert.rejects(progress.lease(request('a', { version: 1 })), { code: 'state-too-new' });
      await assert.rejects(progress.lease(request('a', { version: 3 })), { code: 'state-outdated' });
    });

    test('keeps projections of one database apart', async ({ progress }) => {
      await progress.lease(request('a'));
      assert.deepEqual(names(await progress.lease(request('a', { projection: 'q' }))), [0, 1, 2, 3]);
      await progress.commit(commitOf('a', ['x']));
      const [other] = await progress.positions('q');
      assert.equal(other?.next, 5);
    });

    test('keeps dead letters with their bytes, and finds them by what they are', async ({ progress }) => {
      await withDeadLetters(progress);
      const offsetsOf = async (query: Parameters<typeof progress.deadLetters>[0]) =>
        (await progress.deadLetters(query)).map(({ offset }) => offset);
      const [first, second] = await progress.deadLetters({ projection: 'p', limit: 2 });
      const { number, ...kept } = first!;
      assert.deepEqual(
        { ...kept, key: Buffer.from(kept.key!), headers: kept.headers.map(([name, value]) => [name, [...value]]) },
        {
          ...deadLetter(6),
          projection: 'p',
          topic: 't',
          partition: 0,
          status: 'waiting',
          headers: [
            ['h', [1]],
            ['h', []],
          ],
        },
      );
      assert.equal(Buffer.from(second!.value!).toString(), '{');
      assert.deepEqual(await offsetsOf({ after: number, limit: 10 }), [7, 8]);
      assert.deepEqual(await offsetsOf({ projection: 'q', limit: 10 }), []);
      assert.deepEqual(await offsetsOf({ cause: 'unexpected', limit: 10 }), [7]);
      assert.deepEqual(await offsetsOf({ reason: 'at 8', limit: 10 }), [8]);
      assert.deepEqual(await offsetsOf({ sinceMs: 1_007, untilMs: 1_007, limit: 10 }), [7]);
      assert.deepEqual(await offsetsOf({ at: { topic: 't', partition: 0, offset: 8 }, limit: 10 }), [8]);
      assert.deepEqual(await offsetsOf({ at: { topic: 't', partition: 1, offset: 8 }, limit: 10 }), []);
      assert.deepEqual(await offsetsOf({ status: 'discarded', limit: 10 }), []);
    });

    test('applies a redriven change once, and moves it from dead to applied', async ({
      progress,
      words,
      watermarks,
      occasions,
    }) => {
      await withDeadLetters(progress);
      for (const partition of [1, 2, 3])
        await progress.commit(commitOf('a', [], { partition, next: 9, arrivedMs: 900 }));
      assert.equal(await progress.settle(settlement(7, redriven('y'))), true);
      assert.equal(await progress.settle(settlement(7, redriven('y'))), false);
      assert.equal(await progress.settle(settlement(7, { status: 'discarded' })), false);
      assert.deepEqual(await words(), ['x', 'y']);
      assert.deepEqual([watermarks().at(-1), occasions().at(-1), occasions().length], [1_000, 'redriven', 5]);
      const [position] = await progress.positions('p');
      assert.deepEqual([position?.next, position?.outcomes], [9, { ...nothing, applied: 2, dead: 2 }]);
      const [letter] = await progress.deadLetters({ status: 'redriven', limit: 10 });
      assert.equal(letter?.offset, 7);
    });

    test('settles a redriven record that is late, one that fails again, and a discarded one', async ({
      progress,
      words,
    }) => {
      await withDeadLetters(progress);
      assert.equal(await progress.settle(settlement(6, { status: 'redriven', change: 'late' })), true);
      assert.equal(
        await progress.settle(settlement(7, { status: 'waiting', cause: 'bad-event', reason: 'still bad' })),
        true,
      );
      assert.equal(await progress.settle(settlement(8, { status: 'discarded' })), true);
      assert.equal(await progress.settle(settlement(8, redriven('y'))), false);
      assert.deepEqual(await words(), ['x']);
      const [position] = await progress.positions('p');
      assert.deepEqual(position?.outcomes, { ...nothing, applied: 1, late: 1, dead: 2 });
      assert.deepEqual(
        (await progress.deadLetters({ limit: 10 })).map(({ offset, status, reason }) => [offset, status, reason]),
        [
          [6, 'redriven', 'bad at 6'],
          [7, 'waiting', 'still bad'],
          [8, 'discarded', 'bad at 8'],
        ],
      );
    });

    test('settles nothing that is unknown, of another version, or cannot be applied', async ({ progress, words }) => {
      await withDeadLetters(progress);
      assert.equal(await progress.settle(settlement(5, redriven('y'))), false);
      assert.equal(await progress.settle({ ...settlement(6, redriven('y')), projection: 'q' }), false);
      await assert.rejects(progress.settle(settlement(6, redriven('y'), 2)), { code: 'state-outdated' });
      await assert.rejects(progress.settle(settlement(6, { status: 'discarded' }, 0)), { code: 'state-too-new' });
      await assert.rejects(
        progress.settle(settlement(6, { status: 'redriven', change: { word: 'y', fail: true } })),
        /cannot be applied/,
      );
      assert.deepEqual(await words(), ['x']);
      assert.equal((await progress.deadLetters({ status: 'waiting', limit: 10 })).length, 3);
      assert.equal((await progress.positions('p'))[0]?.outcomes.dead, 3);
    });

    test('goes on committing while dead letters are settled', async ({ progress, words }) => {
      await withDeadLetters(progress);
      const commit = (at: number) =>
        progress.commit(
          commitOf('a', [`read ${at}`], { expected: at, next: at + 1, outcomes: { ...nothing, applied: 1 } }),
        );
      const done = await Promise.all([
        commit(9),
        progress.settle(settlement(6, redriven('six'))),
        progress.settle(settlement(6, redriven('six'))),
        progress.settle(settlement(7, redriven('seven'))),
      ]);
      assert.deepEqual([done[0], done[3]], [true, true]);
      assert.deepEqual(new Set(done.slice(1, 3)), new Set([false, true]));
      assert.equal(await commit(10), true);
      assert.deepEqual((await words()).toSorted(), ['read 10', 'read 9', 'seven', 'six', 'x']);
      const [position] = await progress.positions('p');
      assert.deepEqual([position?.next, position?.outcomes], [11, { ...nothing, applied: 5, dead: 1 }]);
    });

    test('lists discarded records when they are read again', async ({ progress }) => {
      await progress.adoptDiscarded(
        [6, 8].map((offset) => ({ ...deadLetter(offset), ...settlement(offset, redriven('')) })),
      );
      await progress.lease(request('a'));
      const at = { topic: 't', partition: 0 };
      assert.deepEqual((await progress.load('p', at)).discarded, new Set([6, 8]));
      assert.deepEqual([...(await progress.load('p', { ...at, partition: 1 })).discarded], []);
      const outcomes = { ...nothing, applied: 1, dead: 1 };
      await progress.commit(commitOf('a', ['x'], { next: 7, outcomes, deadLetters: [deadLetter(6)] }));
      assert.deepEqual([...(await progress.load('p', at)).discarded], [8]);
      assert.deepEqual(
        (await progress.deadLetters({ limit: 10 })).map(({ offset, status }) => [offset, status]),
        [
          [6, 'discarded'],
          [8, 'discarded'],
        ],
      );
    });
  });
}
