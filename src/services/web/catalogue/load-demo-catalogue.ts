import { join } from 'node:path';
import { titleKey } from './book-identity.ts';
import { demoSource, type SourcedBook } from './import-run.ts';
import type { Catalogue } from './catalogue.ts';
import { openBookList } from './import/lists/open-book-list.ts';

/** Public-domain classics, described in our own words. */
const demoFile = join(import.meta.dirname, '../../../../demo/classics.csv');

/**
 * Adds the demo books to a catalogue that has never held a book. They are added in one transaction: a shop that dies
 * here has them at its next start.
 * @returns how many were added.
 * @throws SamsaError `bad-import-file`, `store-unavailable`.
 */
export async function loadDemoCatalogue(catalogue: Catalogue, file = demoFile): Promise<number> {
  if ((await catalogue.census()).everHeld > 0) return 0;
  const books: SourcedBook[] = [];
  for await (const rows of (await openBookList(file)).rows) {
    for (const row of rows) if (row.problem === undefined) books.push(asDemoBook(row.book));
  }
  const merged = await catalogue.startImport(demoSource).merge(books);
  return merged.filter(({ outcome }) => outcome === 'added').length;
}

/** By its source, an import knows a demo book and may replace it. */
function asDemoBook({ fields }: SourcedBook): SourcedBook {
  return { sourceId: titleKey(fields), fields };
}
