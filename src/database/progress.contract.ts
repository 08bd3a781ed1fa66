import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LeaseRequest, PartitionName, Progress, ProgressCommit } from './progress.ts';

/** A change the contract's state remembers; `fail` makes applying it throw. */
export type ContractChange = { readonly word: string; readonly fail?: boolean };

/** A fresh, empty database with its progress and a state that lists applied words. */
export type OpenProgress = {
  readonly progress: Progress<ContractChange>;
  /** Moves the clock leases are measured with. */
  readonly passMs: (ms: number) => void;
  /** What the state holds, in the order it was applied. */
  readonly words: () => Promise<readonly string[]>;
  readonly watermarks: () => readonly number[];
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
      assert.deepEqual(names(await progress.lease(request('a'))), [0, 1, 2, 3]);
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

    test('tells the state behind which arrival nothing is unread', async ({ progress, watermarks }) => {
      await progress.lease(request('a'));
      await progress.commit(commitOf('a', ['x'], { arrivedMs: 500 }));
      for (const partition of [1, 2, 3]) {
        await progress.commit(commitOf('a', ['x', 'x', 'x', 'x'], { partition, arrivedMs: 900 + partition }));
      }
      await progress.commit(commitOf('a', ['y', 'y', 'y'], { expected: 6, next: 9, arrivedMs: 950 }));
      assert.deepEqual(watermarks(), [0, 0, 0, 500, 950]);
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
  });
}
