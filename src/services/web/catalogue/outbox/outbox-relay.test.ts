import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { makeTemporaryFolder } from '../../../../../test/support/temporary-folder.ts';
import { until } from '../../../../../test/support/until.ts';
import { dayMs } from '../../../../runtime/time.ts';
import { openSqliteCatalogue } from '../store/sqlite/catalogue.ts';
import { outboxRelayContract } from './outbox-relay.contract.ts';
import { createRelayLease } from './outbox-relay.ts';
import type { Outbox } from './outbox.ts';

outboxRelayContract('SQLite', async () => {
  const folder = makeTemporaryFolder();
  return {
    open: async () => openSqliteCatalogue(join(folder, 'catalogue.sqlite'), { clock: Date.now, busyTimeoutMs: 10 }),
  };
});

const leaseMs = 40;
const { signal } = new AbortController();

function leaseBy(clock: () => number) {
  let taken = 0;
  const outbox = { lease: async () => ++taken > 0 } as unknown as Outbox;
  return { lease: createRelayLease({ outbox, owner: 'a', leaseMs, clock, signal }), taken: () => taken };
}

describe('the lease of a relay', () => {
  it('ends a lease in time although the clock was set back', async () => {
    let nowMs = 1_000_000_000;
    const { lease } = leaseBy(() => nowMs);
    assert.equal(await lease.take(), true);
    nowMs -= dayMs;
    await until('the lease is ending', () => lease.isEnding());
  });

  it('does not count on a lease whose time ended while the machine slept', async () => {
    let nowMs = 1_000_000_000;
    const { lease } = leaseBy(() => nowMs);
    await lease.take();
    nowMs += leaseMs + 1;
    assert.equal(lease.isEnding(), true);
    assert.equal(await lease.holdDuring(Promise.resolve()), false);
  });

  it('renews a lease for as long as the work takes', async () => {
    const { lease, taken } = leaseBy(Date.now);
    await lease.take();
    const { promise: work, resolve } = Promise.withResolvers<void>();
    const held = lease.holdDuring(work);
    await until('it was renewed', () => taken() > 3);
    resolve();
    await held;
  });
});
