import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { makeTemporaryFolder } from '../../../../../test/support/temporary-folder.ts';
import { facetsOf, valuesPerFacet } from '../query/facets.ts';
import { slotsExpression, type Slot } from './slots.ts';
import type { FacetFacts } from './book-row.ts';
import { countValues, createFacetCounts, kinds, type FacetCounts } from './facet-counts.ts';
import { openIndexForWriting } from './index-file.ts';
import { createIndexWriter } from './index-writer.ts';
import { mostCounted, openIndexForReading } from './read-index.ts';
import { buildWordData } from './word-data.ts';
import { createWordLists } from './word-lists.ts';

const vocabulary = ['owl', 'ox', 'oxen', 'hen', 'the', 'théorie', 'c++', '猫'];
const word = fc.constantFrom(...vocabulary);
const titles = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(' '));
const alternative = fc
  .array(fc.record({ word: fc.constantFrom('owl', 'o', 'ox', 'the', 'c++', 'th', 'yak'), prefix: fc.boolean() }), {
    minLength: 1,
    maxLength: 2,
  })
  .map((words) => ({ words, edits: 0 }));
const slot: fc.Arbitrary<Slot> = fc
  .array(alternative, { minLength: 1, maxLength: 3 })
  .map((alternatives) => ({ typed: '', only: null, alternatives }));
const slots = fc.array(slot, { minLength: 1, maxLength: 3 });
const books = 1_200;
const facts = {
  author: fc.constantFrom('Ada Owl', 'OWL, Ada', 'Bo Ox & Ada Owl', 'Bo Ox, Jr.', 'Cy Yak', '?'),
  subjects: fc.array(fc.constantFrom('Hens', 'hens', 'Oxen', 'Yaks'), { maxLength: 3 }),
  language: fc.constantFrom('', 'en', 'de'),
};
const mostFacets = 2;
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('ask' as const), slots }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      bookId: fc.integer({ min: 1, max: books + 5 }),
      title: fc.option(titles),
      ...facts,
      popularity: fc.integer({ min: 0, max: 50 }),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom({ kind: 'begin' as const }, { kind: 'use' as const }) },
);

describe('lists of words', () => {
  const folder = makeTemporaryFolder();

  it('find what the index file finds, while books are added, changed, moved and removed', () => {
    const path = join(folder, 'index.sqlite');
    const database = openIndexForWriting(path, 0, assert.fail);
    const writer = createIndexWriter(database, () => 0);
    const reader = openIndexForReading(path);
    const lists = createWordLists(mostCounted);
    let version = 1;
    let data = buildWordData(database);
    const rows = database.prepare('SELECT author, subjects, language FROM book WHERE place = ?');
    const facetsInFile = (places: readonly number[]): FacetCounts => {
      const counts = createFacetCounts();
      for (const place of places) for (const kind of kinds) countValues(counts, kind, rows.get(place) as FacetFacts);
      return counts;
    };
    database.transaction(() =>
      writer.apply(
        fc.sample(fc.record({ title: titles, ...facts }), { numRuns: books, seed: 4 }).map((made, at) => {
          const book = { ...made, id: at + 1, title: `${made.title} the`, popularity: at % 40 };
          return { kind: 'book', bookId: at + 1, version: 1, book };
        }),
        0,
        'read',
      ),
    );
    writer.takeWritten();
    lists.begin();
    lists.use(buildWordData(database));
    let known = 0;
    try {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
          for (const step of steps) {
            if (step.kind === 'write') {
              const { kind: _, bookId, title, ...others } = step;
              const book = title === null ? null : { id: bookId, title, ...others };
              writer.applyAtOnce({ bookId, version: ++version, book });
              lists.change(writer.takeWritten());
            } else if (step.kind === 'begin') {
              lists.begin();
              data = buildWordData(database);
            } else if (step.kind === 'use') {
              lists.use(data);
            } else {
              const found = lists.get(step.slots);
              if (found === null) continue;
              known++;
              assert.deepEqual(found, reader.match(slotsExpression(step.slots), mostCounted));
              const facets = facetsOf(lists.facetCounts(found, valuesPerFacet)!);
              assert.deepEqual(facets, facetsOf(facetsInFile(found)));
              const few = facetsOf(lists.facetCounts(found, mostFacets)!);
              assert.deepEqual(few.author.slice(0, mostFacets), facets.author.slice(0, mostFacets));
            }
          }
          lists.begin();
          lists.use(buildWordData(database));
        }),
        { numRuns: 200 },
      );
      assert.ok(known > 200);
    } finally {
      reader.close();
      database.close();
    }
  });

  it('find the books of a commit of several hundred at once', () => {
    const database = openIndexForWriting(join(folder, 'hundreds.sqlite'), 0, assert.fail);
    const writer = createIndexWriter(database, () => 0);
    const lists = createWordLists(mostCounted);
    lists.begin();
    lists.use(buildWordData(database));
    const made = fc.sample(fc.record({ title: titles, ...facts }), { numRuns: 400, seed: 5 });
    database.transaction(() =>
      writer.apply(
        made.map((one, at) => {
          return { kind: 'book', bookId: at + 1, version: 1, book: { ...one, id: at + 1, popularity: at } };
        }),
        0,
        'read',
      ),
    );
    lists.change(writer.takeWritten());
    const reader = openIndexForReading(join(folder, 'hundreds.sqlite'));
    for (const word of ['owl', 'o', 'the', 'yak']) {
      const alternative = { words: [{ word, prefix: word === 'o' }], edits: 0 };
      const asked: Slot = { typed: '', only: null, alternatives: [alternative] };
      assert.deepEqual(lists.get([asked]), reader.match(slotsExpression([asked]), mostCounted));
    }
    reader.close();
    database.close();
  });

  it('know nothing once too much has changed, until they are made again', () => {
    const database = openIndexForWriting(join(folder, 'many.sqlite'), 0, assert.fail);
    const lists = createWordLists(mostCounted);
    const asked: Slot = { typed: '', only: null, alternatives: [] };
    const data = buildWordData(database);
    lists.begin();
    lists.use(data);
    assert.deepEqual(lists.get([asked]), []);
    lists.change('many');
    assert.equal(lists.get([asked]), null);
    lists.begin();
    lists.change('many');
    lists.use(data);
    assert.equal(lists.get([asked]), null);
    lists.begin();
    lists.use(data);
    assert.deepEqual(lists.get([asked]), []);
    database.close();
  });
});
