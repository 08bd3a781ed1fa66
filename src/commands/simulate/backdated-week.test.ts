import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dayMs } from '../../runtime/time.ts';
import { backdatedWeek } from './backdated-week.ts';

const books = [
  { id: 1, title: 'Emma', author: 'Jane Austen', subjects: ['love'] },
  { id: 2, title: 'Les Misérables', author: 'Victor Hugo', subjects: ['france', 'love'] },
  { id: 3, title: 'Dracula', author: 'Bram Stoker', subjects: ['horror'] },
];
const nowMs = Date.UTC(2024, 1, 29, 13, 30);
const options = { seed: 5, books, readers: 10, pageSize: 1, nowMs };
const week = [...backdatedWeek(options)];

describe('a backdated week', () => {
  it('is the same for the same seed, and different for another', () => {
    assert.deepEqual([...backdatedWeek(options)], week);
    assert.notDeepEqual([...backdatedWeek({ ...options, seed: 6 })].slice(0, 20), week.slice(0, 20));
  });

  it('ends before now, begins less than seven days before it, and is in order', () => {
    const times = week.map(({ timeMs }) => timeMs);
    assert.deepEqual(
      times,
      times.toSorted((one, other) => one - other),
    );
    assert.ok(times[0]! >= nowMs - 6.9 * dayMs && times[0]! < nowMs - 6.8 * dayMs);
    assert.ok(times.at(-1)! < nowMs && times.at(-1)! > nowMs - dayMs / 24);
  });

  it('is busier in the evening than before dawn', () => {
    const perHour = Array.from({ length: 24 }, () => 0);
    for (const { timeMs } of week) perHour[new Date(timeMs).getUTCHours()]!++;
    assert.ok(perHour[20]! > 5 * perHour[3]!, perHour.join(' '));
  });

  it('has readers with ids as the shop makes them, and what their queries find', () => {
    const readers = new Set(week.map(({ reader }) => reader));
    assert.ok(readers.size > 150 && readers.size <= 200, `${readers.size}`);
    for (const reader of readers) assert.match(reader, /^[\w-]{22}$/);
    const found = (query: string) => week.find((search) => search.query === query);
    assert.deepEqual(found('love')?.results, [books[0]]);
    assert.equal(found('love')?.total, 2);
    assert.deepEqual(found('misérables')?.results, [books[1]]);
    assert.deepEqual(found('stoker')?.results, [books[2]]);
    assert.ok(week.some(({ actions }) => actions.length > 0));
    assert.ok(week.every(({ actions, results }) => actions.every(({ bookId }) => bookId === results[0]?.id)));
  });
});
