import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { murmur2, partitionOf } from './topic-rules.ts';

describe('murmur2', () => {
  it("equals the Java client's", () => {
    const known = {
      '21': -973932308,
      foobar: -790332482,
      'a-little-bit-long-string': -985981536,
      'a-little-bit-longer-string': -1486304829,
      lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
      abc: 479470107,
      ab: 316155434,
      a: -1563381124,
      '': 275646681,
      '1234': -1614185708,
    };
    const computed = Object.fromEntries(Object.keys(known).map((key) => [key, murmur2(Buffer.from(key))]));
    assert.deepEqual(computed, known);
  });

  it('hashes only the bytes of a view into a larger buffer', () => {
    const large = Buffer.from('..žluťoučký..');
    assert.equal(murmur2(large.subarray(2, -2)), murmur2(Buffer.from('žluťoučký')));
  });
});

describe('partitionOf', () => {
  it('clears the sign and takes the remainder', () => {
    assert.equal(partitionOf(Buffer.from('21'), 1_000), (-973932308 & 0x7fffffff) % 1_000);
    assert.equal(partitionOf(Buffer.from('foobar'), 4), (-790332482 & 0x7fffffff) % 4);
    assert.equal(partitionOf(Buffer.from('foobar'), 1), 0);
  });
});
