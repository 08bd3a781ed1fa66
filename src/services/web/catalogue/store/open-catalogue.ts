import { join } from 'node:path';
import type { StoreLocation } from '../../../../progress/state.ts';
import type { MysqlCatalogueOptions } from './mysql/catalogue.ts';
import { openSqliteCatalogue, type SqliteCatalogueOptions } from './sqlite/catalogue.ts';
import type { Catalogue, OpenCatalogue } from '../catalogue.ts';
import { titleKey } from '../book-identity.ts';
import { demoSource, type SourcedBook } from '../import-run.ts';
import { openBookList } from '../import/lists/open-book-list.ts';

export { raiseAboveLog } from './sqlite/raise-above-log.ts';
export type { Catalogue };

/** Each technology takes what it needs of it. */
export type CatalogueOptions = SqliteCatalogueOptions & Omit<MysqlCatalogueOptions, 'leaseClock'>;

/**
 * Opens the shop's catalogue, made when it is not there.
 * @throws SamsaError `state-too-new`, `data-folder-unusable`; of a database also `bad-configuration` and,
 *   without `onProblem`, `store-unavailable` (retryable).
 */
export async function openCatalogue(location: StoreLocation, options: CatalogueOptions): Promise<OpenCatalogue> {
  if (location.kind === 'sqlite') return openSqliteCatalogue(location.path, options);
  return (await import('./mysql/catalogue.ts')).openMysqlCatalogue(location, options);
}

/**
 * Opens it for a shop to sell from: an embedded one that has never held a book is given the demo books.
 * @throws SamsaError as `openCatalogue` does; `bad-import-file`, `store-unavailable`.
 */
export async function openStockedCatalogue(location: StoreLocation, options: CatalogueOptions): Promise<OpenCatalogue> {
  const books = await openCatalogue(location, options);
  if (location.kind !== 'sqlite') return books;
  try {
    await loadDemoCatalogue(books.catalogue);
    return books;
  } catch (error) {
    await books.close();
    throw error;
  }
}

/** Public-domain classics, described in our own words. */
const demoFile = join(import.meta.dirname, '../../../../../demo/classics.csv');

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
