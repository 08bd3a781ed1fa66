import { join } from 'node:path';
import { titleKey } from './book-identity.ts';
import { demoSource, type Catalogue, type SourcedBook } from './catalogue.ts';
import { openBookList } from './import/lists/open-book-list.ts';

/** Public-domain classics, described in our own words. */
const demoFile = join(import.meta.dirname, '../../../../demo/classics.csv');

/**
 * Gives a catalogue that has never held a book its first ones; a catalogue that was emptied stays empty. All of them
 * land in one transaction, or none: a shop that dies here opens with them next time.
 * @returns how many were added.
 * @throws SamsaError `bad-import-file`, `store-unavailable`.
 */
export async function loadDemoCatalogue(catalogue: Catalogue, file = demoFile): Promise<number> {
  if ((await catalogue.census()).everHeld > 0) return 0;
  const books: SourcedBook[] = [];
  for await (const rows of (await openBookList(file)).rows) {
    for (const row of rows) if (row.problem === undefined) books.push(asDemoBook(row.book));
  }
  const outcomes = await catalogue.startImport(demoSource).merge(books);
  return outcomes.filter((outcome) => outcome === 'added').length;
}

/** An id of its own tells a demo book from others, so that an import may take its place. */
function asDemoBook({ fields }: SourcedBook): SourcedBook {
  return { sourceId: titleKey(fields), fields };
}
