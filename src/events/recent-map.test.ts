import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRecentMap } from './recent-map.ts';

describe('a map of what was used lately', () => {
  it('keeps what is used and forgets what is not', () => {
    const map = createRecentMap<number, string>(10);
    map.set(0, 'used');
    for (let key = 1; key <= 100; key++) {
      map.set(key, 'unused');
      assert.equal(map.get(0), 'used');
    }
    assert.equal(map.get(50), undefined);
    assert.equal(map.get(100), 'unused');
  });

  it('holds at most twice its limit in size', () => {
    const map = createRecentMap<number, string>(100, ({ length }) => length);
    const text = 'x'.repeat(20);
    for (let key = 0; key < 1_000; key++) map.set(key, text);
    let size = 0;
    for (let key = 0; key < 1_000; key++) size += map.get(key)?.length ?? 0;
    assert.ok(size >= 100 && size <= 200, `${size} is not between the limit and twice as much`);
  });

  it('no longer has what was deleted, however long ago it came', () => {
    const map = createRecentMap<number, string>(2);
    for (const key of [1, 2, 3]) map.set(key, 'there');
    map.delete(1);
    map.delete(3);
    assert.deepEqual([map.get(1), map.get(2), map.get(3)], [undefined, 'there', undefined]);
  });
});
