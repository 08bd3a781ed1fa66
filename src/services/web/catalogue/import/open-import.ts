import { hash } from 'node:crypto';
import { basename, extname } from 'node:path';
import { SamsaError } from '../../../../errors.ts';
import { demoSource, type ImportOptions } from '../import-run.ts';
import type { Catalogue } from '../catalogue.ts';
import { createOutboxPace } from '../outbox/outbox.ts';
import { startOutboxRelay, type OutboxRelay, type OutboxRelayDeps } from '../outbox/outbox-relay.ts';
import { csvCell, exportBook, exportHeader, type ExportFormat } from './exported-books.ts';
import { createCheckRun, importBooks, type ImportDeps, type ImportProgress } from './import-books.ts';
import { createImportReport, type ImportSummary, type ReportEntry } from './import-report.ts';
import { fieldList, fieldNamed, type BookColumn } from './lists/columns.ts';
import { openBookList } from './lists/open-book-list.ts';

export { putMissingAgain } from '../outbox/changes-in-log.ts';
export type { ExportFormat, ImportProgress, ImportSummary, OutboxRelay, ReportEntry };

/** A list of books, opened and found readable. */
export type OpenImport = {
  /** As a `BookList`'s. */
  readonly taken: readonly string[];
  readonly unusedColumns: () => readonly string[];
  /** As a `FoundList`'s. */
  readonly otherLists: readonly string[];
  readonly isTakenForWindows1252: () => boolean;
  /** The name of the list if its user gives none. */
  readonly source: string;
  readonly isExact: boolean;
  /** @throws SamsaError `store-unavailable`. */
  readonly into: (
    catalogue: Catalogue,
    source: string,
    options: ImportOptions,
    deps: IntoDeps,
  ) => Promise<ImportSummary>;
  /** Reports what `into` would do, and changes nothing. @param catalogue `null` while there is no catalogue. */
  readonly check: (
    catalogue: Catalogue | null,
    source: string,
    options: ImportOptions,
    deps: IntoDeps,
  ) => Promise<ImportSummary>;
};

type IntoDeps = Pick<ImportDeps, 'onProgress' | 'keepPace'> & { readonly onEntry?: (entry: ReportEntry) => void };

/**
 * Opens a file of books in any format that `openBookList` knows.
 * @param columns as `title=Name,author=Writer`: which column to read for which field.
 * @throws SamsaError `bad-import-file`; the message says what the file is instead.
 */
export async function openImport(file: string, columns = ''): Promise<OpenImport> {
  const list = await openBookList(file, parseColumns(columns));
  const readInto = async (deps: IntoDeps, run: ImportDeps['run']): Promise<ImportSummary> => {
    const report = createImportReport(deps.onEntry);
    await importBooks(list, { ...deps, run, report });
    return report.summary();
  };
  return {
    taken: list.taken,
    unusedColumns: list.unusedColumns,
    otherLists: list.otherLists,
    isTakenForWindows1252: list.isTakenForWindows1252,
    source: sourceOf(file, list.kind, list.isExact),
    isExact: list.isExact,
    into: (catalogue, source, options, deps) => readInto(deps, catalogue.startImport(source, options)),
    check: async (catalogue, source, options, deps) => {
      const { run, close } = createCheckRun(catalogue?.find ?? null, source, options);
      return readInto(deps, run).finally(close);
    },
  };
}

function parseColumns(text: string): ReadonlyMap<BookColumn, string> {
  const chosen = new Map<BookColumn, string>();
  for (const pair of text.split(',').filter((part) => part.trim() !== '')) {
    const [field = '', ...name] = pair.split('=');
    const column = fieldNamed(field);
    if (column === undefined || name.join('=').trim() === '') {
      throw new SamsaError(
        'bad-import-file',
        `--columns: expected pairs such as title=Name,author=Writer of ${fieldList}, got ${JSON.stringify(pair.trim())}.`,
      );
    }
    chosen.set(column, name.join('=').trim());
  }
  return chosen;
}

/** Two files called `books.csv` are two sources when their columns differ. */
function sourceOf(file: string, kind: string, isExact: boolean): string {
  if (isExact) return 'samsa';
  if (/^[a-z-]+$/.test(kind)) return kind;
  return `${basename(file, extname(file)).slice(0, 80)} ${hash('sha256', kind, 'hex').slice(0, 8)}`;
}

/** @throws SamsaError `bad-import-file` when a list may not have this name. */
export function checkSource(source: string): void {
  if (source === demoSource) {
    throw new SamsaError('bad-import-file', 'The source "demo" is the shop\'s own: name another one with --source.');
  }
  if (source.trim() !== '' && source.length <= 100 && !/\p{Cc}/u.test(source)) return;
  throw new SamsaError('bad-import-file', '--source: expected 1 to 100 characters without control characters.');
}

/** How many changes may wait for the log: a few megabytes. */
const mostWaiting = 10_000;

/** Relays the changes of an import to the log, also while a shop runs. `keepPace` waits when too many changes wait. */
export function openRelay(deps: OutboxRelayDeps): OutboxRelay & { readonly keepPace: () => Promise<void> } {
  return { ...startOutboxRelay(deps), keepPace: createOutboxPace(deps.outbox, { mostRows: mostWaiting }) };
}

/** The whole catalogue by id, as text that `openImport` reads without a change. */
export async function* openExport(catalogue: Catalogue, format: ExportFormat): AsyncGenerator<string> {
  yield exportHeader(format);
  let books = await catalogue.list(0, exportedAtOnce);
  while (books.length > 0) {
    yield books.map((book) => exportBook(book, format)).join('');
    books = await catalogue.list(books.at(-1)!.id, exportedAtOnce);
  }
}

const exportedAtOnce = 500;

/** An entry of a report as a line of CSV. */
export function reportLine({ line, kind, field, value, message }: ReportEntry): string {
  return `${[String(line), kind, field, value, message].map(csvCell).join(',')}\n`;
}

export const reportHeader = 'line,kind,field,value,message\n';
