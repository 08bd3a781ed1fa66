import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { countArrangement, type Arrangement, type Search } from '../../../test/support/arranged-searches.ts';
import { trendState } from '../../../test/support/trend-state.ts';

const hourMs = 3_600_000;
const startMs = Date.parse('2026-01-31T23:30:00Z');

/** Few of everything, so that readers, hours, queries and answers meet; arrivals up to 34 days apart. */
const search: fc.Arbitrary<Search> = fc.record({
  query: fc.constantFrom('Emma', 'emma', 'ÉMMA', 'dracula', 'dune: part two'),
  reader: fc.constantFrom('ann', 'bob', 'cid', null),
  weight: fc.constantFrom(1, 1, 1, 0),
  corrected: fc.constantFrom(null, null, 'emma'),
  title: fc.constantFrom('Emma', 'Dracula'),
  arrivedMs: fc
    .tuple(fc.constantFrom(0, 0, 1, 24, 25, 26, 167, 193, 194, 400, 34 * 24), fc.constantFrom(0, 1, hourMs - 1))
    .map(([hours, ms]) => startMs + hours * hourMs + ms),
  delayMs: fc.constantFrom(0, 0, 1, hourMs, 24 * hourMs, 24 * hourMs + 1, 30 * hourMs, 168 * hourMs, 169 * hourMs, -1),
});

const arrangement = (searches: number): fc.Arbitrary<Arrangement> =>
  fc.record({
    partitions: fc.integer({ min: 1, max: 4 }),
    places: fc.array(fc.record({ partition: fc.nat(3), order: fc.nat() }), {
      minLength: searches,
      maxLength: searches,
    }),
    repeats: fc.array(fc.record({ search: fc.nat(searches - 1), after: fc.nat(5) }), { maxLength: 8 }),
    batches: fc.array(fc.record({ partition: fc.nat(3), size: fc.integer({ min: 1, max: 6 }) }), { maxLength: 30 }),
    handOverAfter: fc.nat(12),
  });

const undisturbed = (searches: number): Arrangement => ({
  partitions: 1,
  places: Array.from({ length: searches }, () => ({ partition: 0, order: 0 })),
  repeats: [],
  batches: [{ partition: 0, size: searches }],
  handOverAfter: 0,
});

const plan = fc
  .array(search, { minLength: 1, maxLength: 24 })
  .chain((searches) => fc.tuple(fc.constant(searches), arrangement(searches.length)));

async function stateOf(searches: readonly Search[], arrangement: Arrangement): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'samsa-trend-'));
  try {
    const path = join(folder, 'trend.sqlite');
    await countArrangement(path, searches, arrangement);
    return trendState(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('trend projection', () => {
  it('ends in the same state in whatever order, partitions, batches and instances searches are counted', async () => {
    await fc.assert(
      fc.asyncProperty(plan, async ([searches, arrangement]) => {
        assert.equal(await stateOf(searches, arrangement), await stateOf(searches, undisturbed(searches.length)));
      }),
      { numRuns: 60 },
    );
  });
});
