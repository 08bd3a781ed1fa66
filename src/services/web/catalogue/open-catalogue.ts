import { openSqliteCatalogue, type SqliteCatalogueOptions } from './catalogue.sqlite.ts';
import type { OpenCatalogue } from './catalogue.ts';
import { loadDemoCatalogue } from './load-demo-catalogue.ts';

export type CatalogueOptions = SqliteCatalogueOptions & {
  /** The file of the embedded catalogue. */
  readonly path: string;
};

/**
 * Opens the shop's catalogue, made when it is not there.
 * @throws SamsaError `state-too-new`, `data-folder-unusable`.
 */
export function openCatalogue({ path, ...options }: CatalogueOptions): OpenCatalogue {
  return openSqliteCatalogue(path, options);
}

/**
 * Opens it for a shop to sell from: an embedded one that has never held a book is given the demo books.
 * @throws SamsaError as `openCatalogue` does; `bad-import-file`, `store-unavailable`.
 */
export async function openStockedCatalogue(options: CatalogueOptions): Promise<OpenCatalogue> {
  const books = openCatalogue(options);
  try {
    await loadDemoCatalogue(books.catalogue);
    return books;
  } catch (error) {
    await books.close();
    throw error;
  }
}
