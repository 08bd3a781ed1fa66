import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hourMs } from '../../../runtime/time.ts';
import type { Reader } from './reader-identity.ts';
import { createSearchWeight } from './search-weight.ts';

function reader(id: string, overrides: Partial<Reader> = {}): Reader {
  return {
    id,
    cookieId: id,
    returning: true,
    addressPrefix: '192.0.2.1',
    addressBlock: '192.0.2.1',
    place: null,
    ...overrides,
  };
}

function createWeight(overrides: { queries?: number; newReaders?: number } = {}) {
  const time = { now: 1_000 * hourMs };
  const weigh = createSearchWeight({
    clock: () => time.now,
    queriesPerReaderPerHour: overrides.queries ?? 60,
    mostNewReaders: () => overrides.newReaders ?? 0,
  });
  return { time, weigh };
}

describe('search weight', () => {
  it("counts a reader's first queries of an hour, and none beyond", () => {
    const { weigh } = createWeight({ queries: 3 });
    const weights = ['emma', 'dune', 'ulysses', 'walden'].map((query) => weigh(reader('r1'), query));
    assert.deepEqual(weights, [1, 1, 1, 0]);
    assert.equal(weigh(reader('r2'), 'walden'), 1);
  });

  it('counts a repeated query only once towards the limit of an hour', () => {
    const { weigh } = createWeight({ queries: 2 });
    assert.deepEqual(
      ['emma', 'emma', 'Emma', 'dune', 'emma'].map((query) => weigh(reader('r1'), query)),
      [1, 1, 1, 1, 1],
    );
  });

  it('counts again in the next hour', () => {
    const { time, weigh } = createWeight({ queries: 1 });
    weigh(reader('r1'), 'emma');
    assert.equal(weigh(reader('r1'), 'dune'), 0);
    time.now += hourMs;
    assert.equal(weigh(reader('r1'), 'dune'), 1);
  });

  it('counts only so many new readers of one address an hour', () => {
    const { time, weigh } = createWeight({ newReaders: 2 });
    assert.deepEqual(
      ['r1', 'r2', 'r3'].map((id) => weigh(reader(id), 'emma')),
      [1, 1, 0],
    );
    assert.equal(weigh(reader('r4', { addressPrefix: '192.0.2.2' }), 'emma'), 1);
    time.now += hourMs;
    assert.equal(weigh(reader('r3'), 'emma'), 1);
  });

  it('keeps counting readers it knows, however many new ones come from their address', () => {
    const { weigh } = createWeight({ newReaders: 1 });
    weigh(reader('regular'), 'emma');
    weigh(reader('r2'), 'emma');
    assert.equal(weigh(reader('regular'), 'dune'), 1);
  });

  it('does not count a reader without a cookie as new: all of one address are one reader', () => {
    const { weigh } = createWeight({ newReaders: 1 });
    weigh(reader('r1'), 'emma');
    assert.equal(weigh(reader('a-hash', { returning: false }), 'emma'), 1);
  });

  it('counts ten times as many new readers of an IPv6 /48', () => {
    const { weigh } = createWeight({ newReaders: 2 });
    const weights = Array.from({ length: 30 }, (_, at) =>
      weigh(reader(`r${at}`, { addressPrefix: `2001:db8:1:${at}::/64`, addressBlock: 'same /48' }), 'emma'),
    );
    assert.equal(weights.filter((weight) => weight === 1).length, 20);
    assert.equal(weigh(reader('r', { addressBlock: 'another /48' }), 'emma'), 1);
  });

  it('has no limit on new readers when it is 0', () => {
    const { weigh } = createWeight({ newReaders: 0 });
    const weights = Array.from({ length: 100 }, (_, index) => weigh(reader(`r${index}`), 'emma'));
    assert.ok(weights.every((weight) => weight === 1));
  });
});
