import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { bookSearchedRecord } from '../../events/book-searched.ts';
import { createEventSource } from '../../events/envelope.ts';
import { createTrendProjection, placeBit, readerNumber } from './trend-projection.ts';
import { countArrangement, type Arrangement, type Search } from '../../../test/support/arranged-searches.ts';
import { makeTemporaryFolder } from '../../../test/support/temporary-folder.ts';
import { trendState } from '../../../test/support/trend-state.ts';
import { hourMs } from '../../runtime/time.ts';

const startMs = Date.parse('2026-01-31T23:00:00Z');

/** Few of everything, so that readers, hours, queries and answers meet. */
const search = (arrivalHours: readonly number[]): fc.Arbitrary<Search> =>
  fc.record({
    query: fc.constantFrom('Emma', 'emma', 'ÉMMA', 'dune: part two'),
    reader: fc.constantFrom('ann', 'ann', 'bob', null),
    weight: fc.constantFrom(1, 1, 1, 0),
    corrected: fc.constantFrom(null, null, 'emma'),
    title: fc.constantFrom('Emma', 'Dracula'),
    arrivedMs: fc
      .tuple(fc.constantFrom(...arrivalHours), fc.constantFrom(0, 0, hourMs - 1))
      .map(([hours, ms]) => startMs + hours * hourMs + ms),
    delayMs: fc
      .tuple(fc.constantFrom(0, 0, 1, 24, 24, 25, 168, 169), fc.constantFrom(0, 0, 1, -1))
      .map(([hours, ms]) => hours * hourMs + ms),
  });

/** Up to where nothing is forgotten, readers are, hours become days, and days are forgotten. */
const arrivalHours = fc.constantFrom([0, 1], [0, 1, 24, 25], [0, 24, 25, 168, 193], [0, 24, 193, 721, 34 * 24]);

const arrangement = (searches: number): fc.Arbitrary<Arrangement> =>
  fc.record({
    partitions: fc.integer({ min: 1, max: 4 }),
    places: fc.array(fc.record({ partition: fc.nat(3), order: fc.nat() }), {
      minLength: searches,
      maxLength: searches,
    }),
    repeats: fc.array(fc.record({ search: fc.nat(searches - 1), after: fc.nat(5) }), { maxLength: 8 }),
    batches: fc.array(fc.record({ partition: fc.nat(3), size: fc.integer({ min: 1, max: 6 }) }), { maxLength: 40 }),
    handOverAfter: fc.nat(12),
  });

const undisturbed = (searches: number): Arrangement => ({
  partitions: 1,
  places: Array.from({ length: searches }, () => ({ partition: 0, order: 0 })),
  repeats: [],
  batches: [{ partition: 0, size: searches }],
  handOverAfter: 0,
});

const plan = arrivalHours
  .chain((hours) => fc.array(search(hours), { minLength: 1, maxLength: 40 }))
  .chain((searches) => fc.tuple(fc.constant(searches), arrangement(searches.length)));

async function stateOf(searches: readonly Search[], arrangement: Arrangement): Promise<string> {
  const folder = makeTemporaryFolder();
  const path = join(folder, 'trend.sqlite');
  await countArrangement(path, searches, arrangement);
  return trendState(path);
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

  it('ignores a correction of a part of the words, so that the other words stay private', () => {
    const correctedOf = (dropped: readonly string[]): unknown => {
      const sent = bookSearchedRecord(
        'searches',
        createEventSource('shop', () => startMs),
        {
          query: 'my neighbour owes me',
          value: Buffer.from('[{"id":1,"title":"Ones","author":"A"}]'),
          reader: 'ann',
          weight: 1,
          corrected: 'ones',
          dropped,
          total: 1,
        },
      );
      const record = { ...sent, partition: 0, offset: 0, timestamp: startMs };
      const change = createTrendProjection('trend', { searches: 'searches' }).reads[0]?.fold(record);
      assert.ok(typeof change === 'object' && change.kind === 'search');
      return change.corrected;
    };
    assert.equal(correctedOf(['my', 'neighbour', 'me']), null);
    assert.equal(correctedOf([]), 'ones');
  });

  it('uses a hash of the reader where the place is unknown', () => {
    assert.equal(placeBit(29, readerNumber('ann')), 2 ** 29);
    const places = Array.from({ length: 200 }, (_, reader) => placeBit(null, readerNumber(`reader ${reader}`)));
    assert.ok(new Set(places).size > 20 && places.every((place) => Number.isInteger(Math.log2(place))));
    assert.equal(placeBit(null, readerNumber('ann')), placeBit(null, readerNumber('ann')));
    assert.equal(placeBit(null, null), 0);
  });
});
