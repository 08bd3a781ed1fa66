import type { BookList } from './lists/book-list.ts';
import type { Catalogue } from '../catalogue.ts';
import { openBookList } from './lists/open-book-list.ts';
import { createOutboxPace } from '../outbox/outbox-pace.ts';
import { startOutboxRelay, type OutboxRelay, type OutboxRelayDeps } from '../outbox/outbox-relay.ts';
import { importBooks, type ImportProgress, type ImportSummary } from './import-books.ts';

export type { ImportProgress, ImportSummary, OutboxRelay };

/** A list of books, opened and found readable. */
export type OpenImport = {
  /** As a `BookList`'s. */
  readonly unusedColumns: () => readonly string[];
  /** As `importBooks`. */
  readonly into: (
    catalogue: Catalogue,
    source: string,
    onProgress: (progress: ImportProgress) => void,
    keepPace: () => Promise<void>,
  ) => Promise<ImportSummary>;
};

/**
 * Opens a file of books in whatever format it is: CSV or NDJSON.
 * @throws SamsaError `bad-import-file` saying what it is instead.
 */
export async function openImport(file: string): Promise<OpenImport> {
  const list: BookList = await openBookList(file);
  return {
    unusedColumns: list.unusedColumns,
    into: (catalogue, source, onProgress, keepPace) => importBooks(catalogue, list, source, onProgress, keepPace),
  };
}

/** So many changes may be on their way to the log: a few megabytes. */
const mostWaiting = 10_000;

/** Carries what an import changed to the log, beside whoever else does, and lets the import run ahead of it so far. */
export function openRelay(deps: OutboxRelayDeps): OutboxRelay & { readonly keepPace: () => Promise<void> } {
  return { ...startOutboxRelay(deps), keepPace: createOutboxPace(deps.outbox, { mostRows: mostWaiting }) };
}
