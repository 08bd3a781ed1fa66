import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRandom, createZipf } from './random.ts';

describe('Zipf’s law', () => {
  it('draws the k-th rank 1/k as often as the first', () => {
    const random = createRandom(1);
    const draw = createZipf(100);
    const drawn = Array.from({ length: 100 }, () => 0);
    for (let times = 0; times < 200_000; times++) drawn[draw(random)]!++;
    for (const rank of [2, 5, 10, 50]) {
      const ratio = drawn[0]! / drawn[rank - 1]!;
      assert.ok(Math.abs(ratio / rank - 1) < 0.1, `rank ${rank}: 1/${ratio}`);
    }
    assert.ok(drawn.every((times) => times > 0));
  });

  it('stays within its ranks at both ends', () => {
    assert.equal(
      createZipf(7)(() => 0),
      0,
    );
    assert.equal(
      createZipf(7)(() => 1 - 2 ** -53),
      6,
    );
    assert.equal(
      createZipf(1)(() => 0.5),
      0,
    );
  });

  it('refuses to draw from nothing', () => {
    assert.throws(() => createZipf(0), RangeError);
  });
});
