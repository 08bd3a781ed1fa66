import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SamsaError } from '../errors.ts';
import { encodeEnvelope, text } from '../events/envelope.ts';
import type { StoredRecord } from '../events/record.ts';
import type { ReadResult } from '../log/log.ts';
import { fingerprintOf, foldRecords, joinFolded, type FoldedRecords } from './fold-records.ts';
import type { ProjectionInput } from './projection.ts';

const words: ProjectionInput<string> = {
  topic: 't',
  compacted: false,
  repeats: 'dropped-by-sequence',
  fold: (record) => {
    const word = record.value === null ? '' : text(record.value);
    if (word === 'bad') throw new SamsaError('bad-event', 'value: bad');
    return word === 'late' ? 'late' : word;
  },
};
const books: ProjectionInput<string> = { ...words, compacted: true, repeats: 'applied-by-version' };

function record(offset: number, word: string, numbered?: { source: string; sequence: number }): StoredRecord {
  const headers =
    numbered === undefined ? [] : encodeEnvelope({ ...numbered, id: 'i', type: 't', time: 0, extensions: {} });
  return { topic: 't', partition: 0, offset, timestamp: 100 + offset, key: null, value: Buffer.from(word), headers };
}

function read(records: readonly StoredRecord[], overrides: Partial<ReadResult> = {}): ReadResult {
  const next = (records.at(-1)?.offset ?? -1) + 1;
  return { records, next, skipped: [], start: 0, end: next, ...overrides };
}

function fold(
  input: ProjectionInput<string>,
  result: ReadResult,
  next: number,
  marks = new Map<string, number>(),
  discarded = new Set<number>(),
): FoldedRecords<string> {
  const folded = foldRecords(input, { next, marks, discarded }, result);
  assert.ok(folded !== 'jump');
  return folded;
}

const nothing = { applied: 0, duplicate: 0, dead: 0, late: 0, gap: 0, compacted: 0 };

describe('foldRecords', () => {
  it('turns consecutive records into changes, in order', () => {
    const folded = fold(words, read([record(3, 'a'), record(4, 'b')]), 3);
    assert.deepEqual([folded.changes, folded.next, folded.last?.arrivedMs], [['a', 'b'], 5, 104]);
    assert.deepEqual(folded.outcomes, { ...nothing, applied: 2 });
  });

  it('gives the same result for two reads folded one after the other as for both together', () => {
    const mark = (sequence: number) => ({ source: 's', sequence });
    const records = [
      record(0, 'a', mark(1)),
      record(1, 'bad'),
      record(2, 'late'),
      record(3, 'b', mark(2)),
      record(4, 'a again', mark(1)),
      record(5, 'bad'),
    ];
    const first = fold(words, read(records.slice(0, 3)), 0);
    const second = fold(words, read(records.slice(3)), 3, new Map(first.marks));
    assert.deepEqual(joinFolded(first, second), fold(words, read(records), 0));
  });

  it('sends a bad record to the dead letters and goes on with its neighbours', () => {
    const folded = fold(words, read([record(0, 'a'), record(1, 'bad'), record(2, 'b')]), 0);
    assert.deepEqual(folded.changes, ['a', 'b']);
    assert.deepEqual(
      folded.deadLetters.map(({ offset, reason }) => [offset, reason]),
      [[1, 'value: bad']],
    );
    assert.deepEqual(folded.outcomes, { ...nothing, applied: 2, dead: 1 });
  });

  it('treats a fold that throws as a bad record', () => {
    const broken: ProjectionInput<string> = {
      ...words,
      fold: () => {
        throw new TypeError('broken');
      },
    };
    assert.deepEqual(fold(broken, read([record(0, 'a')]), 0).outcomes, { ...nothing, dead: 1 });
  });

  it('leaves late records out and counts them', () => {
    assert.deepEqual(fold(words, read([record(0, 'late')]), 0).outcomes, { ...nothing, late: 1 });
  });

  it('drops what a producer sent again, within a read and since the last one', () => {
    const records = [
      record(0, 'a', { source: 's', sequence: 4 }),
      record(1, 'b', { source: 's', sequence: 5 }),
      record(2, 'b', { source: 's', sequence: 5 }),
      record(3, 'c', { source: 'r', sequence: 1 }),
    ];
    const folded = fold(words, read(records), 0, new Map([['s', 4]]));
    assert.deepEqual(folded.changes, ['b', 'c']);
    assert.deepEqual(folded.outcomes, { ...nothing, applied: 2, duplicate: 2 });
    assert.deepEqual(
      [...folded.marks],
      [
        ['s', 5],
        ['r', 1],
      ],
    );
  });

  it('lets versions decide about repeats where the projection says so', () => {
    const again = record(0, 'a', { source: 's', sequence: 4 });
    assert.deepEqual(fold(books, read([again]), 0, new Map([['s', 9]])).changes, ['a']);
  });

  it('counts a discarded record as dead without folding it, and its repeats as repeats', () => {
    const one = record(0, 'a', { source: 's', sequence: 4 });
    const again = record(1, 'a', { source: 's', sequence: 4 });
    const folded = fold(words, read([one, again, record(2, 'b')]), 0, new Map(), new Set([0]));
    assert.deepEqual(folded.changes, ['b']);
    assert.deepEqual(folded.deadLetters, []);
    assert.deepEqual(folded.outcomes, { ...nothing, applied: 1, duplicate: 1, dead: 1 });
  });

  it('counts a dead letter that arrives again as a repeat, because both could be redriven', () => {
    const one = record(0, 'bad', { source: 's', sequence: 4 });
    const again = record(1, 'bad', { source: 's', sequence: 4 });
    const folded = fold(words, read([one, again]), 0);
    assert.deepEqual(
      folded.deadLetters.map(({ offset }) => offset),
      [0],
    );
    assert.deepEqual([folded.outcomes, folded.marks.get('s')], [{ ...nothing, duplicate: 1, dead: 1 }, 4]);
  });

  it('says of a dead letter whether its event was bad or the fold threw another error', () => {
    const breaking: ProjectionInput<string> = {
      ...words,
      fold: () => {
        throw new TypeError('x is undefined');
      },
    };
    const { deadLetters } = fold(breaking, read([record(0, 'a')]), 0);
    assert.deepEqual([deadLetters[0]?.cause, deadLetters[0]?.reason], ['unexpected', 'x is undefined']);
  });

  it('counts what expired before it was read as a gap', () => {
    const folded = fold(words, read([record(7, 'a')], { start: 7 }), 3);
    assert.deepEqual([folded.next, folded.outcomes], [8, { ...nothing, applied: 1, gap: 4 }]);
    const emptied = fold(words, read([], { next: 7, start: 7, end: 7 }), 3);
    assert.deepEqual([emptied.next, emptied.last, emptied.outcomes], [7, null, { ...nothing, gap: 4 }]);
  });

  it('refuses to jump over offsets that neither expiry nor compaction explains', () => {
    const soFar = { next: 3, marks: new Map<string, number>(), discarded: new Set<number>() };
    assert.equal(foldRecords(words, soFar, read([record(5, 'a')])), 'jump');
    assert.equal(foldRecords(words, soFar, read([record(3, 'a'), record(5, 'b')])), 'jump');
    assert.equal(foldRecords(words, soFar, read([], { next: 5, end: 5 })), 'jump');
  });

  it('goes on over offsets that the log says hold no record, and accounts for each', () => {
    const skipped = [
      { from: 1, to: 5 },
      { from: 6, to: 7 },
      { from: 9, to: 12 },
    ];
    const log = read([record(5, 'a'), record(7, 'b'), record(8, 'c')], { next: 12, skipped, end: 12 });
    const folded = fold(words, log, 3);
    assert.deepEqual([folded.changes, folded.next], [['a', 'b', 'c'], 12]);
    assert.deepEqual(folded.outcomes, { ...nothing, applied: 3, compacted: 2 + 1 + 3 });
    const without = fold(words, read([], { next: 12, skipped, end: 12 }), 9);
    assert.deepEqual([without.next, without.last, without.outcomes], [12, null, { ...nothing, compacted: 3 }]);
  });

  it('refuses to jump over an offset gap of which the log lists only a part, or another one', () => {
    const soFar = { next: 3, marks: new Map<string, number>(), discarded: new Set<number>() };
    const after = (next: number, from: number, to: number) => ({ next, skipped: [{ from, to }] });
    assert.equal(foldRecords(words, soFar, read([record(6, 'a')], after(7, 3, 5))), 'jump');
    assert.equal(foldRecords(words, soFar, read([record(6, 'a')], after(7, 4, 6))), 'jump');
    assert.equal(foldRecords(words, soFar, read([record(3, 'a'), record(6, 'b')], after(7, 1, 3))), 'jump');
    assert.equal(foldRecords(words, soFar, read([record(3, 'a')], after(6, 4, 5))), 'jump');
    assert.equal(foldRecords(words, soFar, read([record(3, 'a')], after(6, 6, 9))), 'jump');
  });

  it('counts what compaction removed, also behind the last record', () => {
    const folded = fold(books, read([record(2, 'a'), record(5, 'b')], { next: 8, end: 9 }), 0);
    assert.deepEqual([folded.next, folded.outcomes], [8, { ...nothing, applied: 2, compacted: 6 }]);
  });

  it('skips records before the expected one, as logs that read whole batches give them', () => {
    assert.deepEqual(fold(words, read([record(0, 'a'), record(1, 'b')]), 1).changes, ['b']);
  });
});

describe('fingerprintOf', () => {
  const base = record(1, 'a', { source: 's', sequence: 1 });

  it('tells records apart by every part that a log keeps', () => {
    const others: readonly StoredRecord[] = [
      { ...base, offset: 2 },
      { ...base, timestamp: 7 },
      { ...base, key: Buffer.from('') },
      { ...base, value: Buffer.from('b') },
      { ...base, value: null },
      { ...base, headers: [...base.headers].slice(1) },
    ];
    assert.equal(new Set([base, ...others].map(fingerprintOf)).size, others.length + 1);
  });

  it('is the same for the same record', () => {
    assert.equal(fingerprintOf({ ...base }), fingerprintOf(base));
  });
});
