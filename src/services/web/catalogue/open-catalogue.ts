import { openSqliteCatalogue, type SqliteCatalogueOptions } from './catalogue.sqlite.ts';
import type { OpenCatalogue } from './catalogue.ts';

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
