import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hourMs } from '../../../runtime/time.ts';
import { roundDown, why } from './figures.ts';

const nothing = { kind: 'rising', before: 0, usual: 0, newSince: null } as const;

describe('the words of a trend', () => {
  it('say how many readers there are, and how many there usually are', () => {
    assert.equal(
      why({ ...nothing, window: '3h', readers: 14, usual: 1.2, before: 2 }),
      '14 readers in the last 3 hours, usually 1: 14 times as usual',
    );
    assert.equal(
      why({ ...nothing, window: '3h', readers: 57, usual: 1.78 }),
      '57 readers in the last 3 hours, usually 2: 28 times as usual',
    );
    assert.equal(
      why({ ...nothing, window: '24h', readers: 7, usual: 5.8 }),
      '7 readers in the last 24 hours, usually 6',
    );
    assert.equal(
      why({ ...nothing, window: '24h', readers: 9, usual: 0.4, before: 1 }),
      '9 readers in the last 24 hours, usually none',
    );
  });

  it('compare a query that is not rising, and that few search for, with the window before', () => {
    const few = { ...nothing, kind: 'popular', window: '24h', readers: 1, usual: 0.4 } as const;
    assert.equal(why({ ...few, before: 2 }), '1 reader in the last 24 hours, 2 in the 24 hours before');
    assert.equal(why({ ...few, before: 0 }), '1 reader in the last 24 hours, none in the 24 hours before');
  });

  it('say since when a new query is searched', () => {
    const hour = Math.floor(Date.parse('2026-03-10T09:40:00Z') / hourMs);
    const since = (daysAgo: number): string =>
      why({ ...nothing, window: '24h', readers: 3, newSince: { hour, daysAgo } });
    assert.equal(since(0), '3 readers in the last 24 hours: new, since 09:00 UTC');
    assert.equal(since(1), '3 readers in the last 24 hours: new, since 09:00 UTC yesterday');
  });

  it('compare long windows with the one before', () => {
    assert.equal(
      why({ ...nothing, kind: 'popular', window: '7d', readers: 30, usual: null, before: 12 }),
      '30 readers, counted once an hour, in the last 7 days, 12 in the 7 days before',
    );
  });

  it('round down in steps of 1, 2 and 5', () => {
    const steps = [0, 1, 4, 9, 10, 19, 23, 49, 50, 99, 100, 499, 1_999].map(roundDown);
    assert.deepEqual(steps, [0, 1, 2, 5, 10, 10, 20, 20, 50, 50, 100, 200, 1_000]);
  });
});
