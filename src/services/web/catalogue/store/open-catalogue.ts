import { join } from 'node:path';
import type { StoreLocation } from '../../../../progress/state.ts';
import type { MysqlCatalogueOptions } from './mysql/catalogue.ts';
import { openSqliteCatalogue, type SqliteCatalogueOptions } from './sqlite/catalogue.ts';
import type { Catalogue, OpenCatalogue } from '../catalogue.ts';
import { titleKey } from '../book-identity.ts';
import { demoSource, type SourcedBook } from '../import-run.ts';
import { openBookList } from '../import/lists/open-book-list.ts';

/** The options of both databases; each one uses only those it needs. */
export type CatalogueOptions = SqliteCatalogueOptions & Omit<MysqlCatalogueOptions, 'leaseClock'>;

/**
 * Opens the shop's catalogue, and creates it if it does not exist.
 * @throws SamsaError `state-too-new`, `data-folder-unusable`; of a database also `bad-configuration` and, without
 *   `onProblem`, `store-unavailable` (retryable).
 */
export async function openCatalogue(location: StoreLocation, options: CatalogueOptions): Promise<OpenCatalogue> {
  if (location.kind === 'sqlite') return openSqliteCatalogue(location.path, options);
  return (await import('./mysql/catalogue.ts')).openMysqlCatalogue(location, options);
}

/**
 * Opens the catalogue for a running shop. An embedded one that has never held a book gets the demo books.
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
 * Adds the demo books to a catalogue that has never held a book. They are added in one transaction, so a shop that is
 * killed here adds them at its next start.
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

/** Its source marks a book as a demo book, which an import may replace. */
function asDemoBook({ fields }: SourcedBook): SourcedBook {
  return { sourceId: titleKey(fields), fields };
}
