import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLruMap, createDoorkeptLruMap } from './lru-map.ts';

describe('an LRU map', () => {
  it('keeps what is used and forgets what is not', () => {
    const map = createLruMap<number, string>(10);
    map.set(0, 'used');
    for (let key = 1; key <= 100; key++) {
      map.set(key, 'unused');
      assert.equal(map.get(0), 'used');
    }
    assert.equal(map.get(50), undefined);
    assert.equal(map.get(100), 'unused');
  });

  it('holds at most twice its limit in size', () => {
    const map = createLruMap<number, string>(100, ({ length }) => length);
    const text = 'x'.repeat(20);
    for (let key = 0; key < 1_000; key++) map.set(key, text);
    let size = 0;
    for (let key = 0; key < 1_000; key++) size += map.get(key)?.length ?? 0;
    assert.ok(size >= 100 && size <= 200, `${size} is not between the limit and twice as much`);
  });

  it('no longer has what was deleted, however long ago it came', () => {
    const map = createLruMap<number, string>(2);
    for (const key of [1, 2, 3]) map.set(key, 'there');
    map.delete(1);
    map.delete(3);
    assert.deepEqual([map.get(1), map.get(2), map.get(3)], [undefined, 'there', undefined]);
  });

  it('has room again for what was deleted', () => {
    const map = createLruMap<string, string>(10);
    map.set('kept', 'there');
    for (let turn = 0; turn < 100; turn++) {
      map.set('brief', 'there');
      map.delete('brief');
    }
    assert.equal(map.get('kept'), 'there');
  });
});

describe('an LRU map with a doorkeeper', () => {
  const sizeOf = (): number => 1;

  it('stores what is set a second time, and not what is set once', () => {
    const map = createDoorkeptLruMap<string, string>(10, 10, sizeOf);
    map.set('once', 'a');
    map.set('again', 'b');
    map.set('again', 'c');
    assert.deepEqual([map.get('once'), map.get('again')], [undefined, 'c']);
  });

  it('removes nothing for a key that is set only once', () => {
    const map = createDoorkeptLruMap<number, string>(10, 10, sizeOf);
    for (const value of ['first', 'second']) map.set(0, value);
    for (let key = 1; key <= 1_000; key++) map.set(key, 'once');
    assert.equal(map.get(0), 'second');
  });

  it('gives the value set last, however long ago the key came in', () => {
    const map = createDoorkeptLruMap<number, string>(2, 100, sizeOf);
    for (const value of ['first', 'second']) map.set(0, value);
    for (let key = 1; key <= 50; key++) map.set(key, 'once');
    map.set(0, 'third');
    assert.equal(map.get(0), 'third');
  });

  it('forgets a key that comes back too late', () => {
    const map = createDoorkeptLruMap<number, string>(10, 10, sizeOf);
    for (let round = 0; round < 3; round++) for (let key = 0; key < 1_000; key++) map.set(key, 'seldom');
    for (let key = 0; key < 1_000; key++) assert.equal(map.get(key), undefined);
  });

  it('says whether it would store a key, from the second time on', () => {
    const map = createDoorkeptLruMap<string, string>(10, 10, sizeOf);
    assert.deepEqual([map.admits('key'), map.admits('key'), map.admits('other')], [false, true, false]);
    map.set('key', 'stored');
    assert.equal(map.get('key'), 'stored');
  });

  it('starts over when it is cleared', () => {
    const map = createDoorkeptLruMap<string, string>(10, 10, sizeOf);
    for (const value of ['a', 'b']) map.set('key', value);
    map.clear();
    map.set('key', 'c');
    assert.equal(map.get('key'), undefined);
  });
});
