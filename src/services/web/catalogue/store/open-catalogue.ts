import type { StoreLocation } from '../../../../progress/state.ts';
import type { MysqlCatalogueOptions } from './mysql/catalogue.ts';
import { openSqliteCatalogue, type SqliteCatalogueOptions } from './sqlite/catalogue.ts';
import type { Catalogue, OpenCatalogue } from '../catalogue.ts';
import { loadDemoCatalogue } from '../load-demo-catalogue.ts';

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
