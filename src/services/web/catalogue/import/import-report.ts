import type { ImportConflict, MergedRow } from '../import-run.ts';
import type { ListedRow } from './lists/book-list.ts';

/** Something about a row that the owner of the list may want to correct. */
export type ReportEntry = {
  readonly line: number;
  /** `skipped`: the row is not in the shop. The others concern a row that is. */
  readonly kind: 'skipped' | 'conflict' | 'unread' | 'no-author';
  readonly field: string;
  readonly value: string;
  readonly message: string;
};

export type ImportSummary = {
  readonly rows: number;
  readonly added: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly skipped: number;
  /** The first 20 skipped rows and why. */
  readonly skippedRows: readonly ReportEntry[];
  readonly conflicts: number;
  /** The first 20 of them. */
  readonly listedConflicts: readonly ReportEntry[];
  /** By field: values that could not be read. Their books are in the shop without them. */
  readonly unread: readonly UnreadField[];
  /** Books that are in the shop without an author, although the list has a column for it. */
  readonly withoutAuthor: { readonly rows: number; readonly firstLine: number };
  /** Why the list could not be read to its end. */
  readonly endedEarly: string | null;
};

export type UnreadField = {
  readonly field: string;
  readonly rows: number;
  readonly firstLine: number;
  /** Up to three different values. */
  readonly examples: readonly string[];
};

export type ReadableRow = Extract<ListedRow, { unread: readonly unknown[] }>;

export type ImportReport = {
  readonly take: (row: ReadableRow, merged: MergedRow) => void;
  readonly skip: (line: number, reason: string) => void;
  readonly endEarly: (reason: string) => void;
  readonly rows: () => number;
  readonly summary: () => ImportSummary;
};

const mostListed = 20;
const mostExamples = 3;

/** @param onEntry gets every entry, including those that the summary only counts. */
export function createImportReport(onEntry: (entry: ReportEntry) => void = () => {}): ImportReport {
  const counts = { added: 0, updated: 0, unchanged: 0, skipped: 0, conflicts: 0 };
  const skippedRows: ReportEntry[] = [];
  const listedConflicts: ReportEntry[] = [];
  const unread = new Map<string, UnreadField>();
  let withoutAuthor = { rows: 0, firstLine: 0 };
  let endedEarly: string | null = null;

  const list = (entries: ReportEntry[], entry: ReportEntry): void => {
    onEntry(entry);
    if (entries.length < mostListed) entries.push(entry);
  };
  const skip = (line: number, message: string): void => {
    counts.skipped++;
    list(skippedRows, { line, kind: 'skipped', field: '', value: '', message });
  };
  const countUnread = (line: number, field: string, value: string): void => {
    onEntry({ line, kind: 'unread', field, value, message: 'cannot be read, left out' });
    const known = unread.get(field) ?? { field, rows: 0, firstLine: line, examples: [] };
    const isNew = known.examples.length < mostExamples && !known.examples.includes(value);
    unread.set(field, {
      ...known,
      rows: known.rows + 1,
      examples: isNew ? [...known.examples, value] : known.examples,
    });
  };
  const rows = (): number => counts.added + counts.updated + counts.unchanged + counts.skipped;
  return {
    skip,
    rows,
    endEarly: (reason) => {
      endedEarly = reason;
    },
    take: ({ line, book, unread: values }, { outcome, conflicts }) => {
      const { title, author } = book.fields;
      for (const conflict of conflicts) {
        counts.conflicts++;
        const { field, value } = conflict;
        list(listedConflicts, {
          line,
          kind: 'conflict',
          field,
          value,
          message: describeConflict(conflict, book.fields),
        });
      }
      if (outcome === 'repeated') {
        skip(line, `the same book as an earlier row: ${JSON.stringify(title)}`);
        return;
      }
      counts[outcome]++;
      for (const { field, value } of values) countUnread(line, field, value);
      if (author !== '') return;
      withoutAuthor = { rows: withoutAuthor.rows + 1, firstLine: withoutAuthor.firstLine || line };
      onEntry({ line, kind: 'no-author', field: 'author', value: title, message: 'listed without an author' });
    },
    summary: () => ({
      rows: rows(),
      ...counts,
      skippedRows: skippedRows.toSorted((one, other) => one.line - other.line),
      listedConflicts,
      unread: [...unread.values()],
      withoutAuthor,
      endedEarly,
    }),
  };
}

/** `ISBN 9780439023481 belongs to The Hunger Games by Suzanne Collins; row says Good Book by Somebody`. */
function describeConflict(
  { field, value, ...book }: ImportConflict,
  row: { readonly title: string; readonly author?: string },
): string {
  return `${field === 'isbn' ? 'ISBN' : 'id'} ${value} belongs to ${nameOf(book)}; row says ${nameOf(row)}`;
}

function nameOf({ title, author = '' }: { readonly title: string; readonly author?: string }): string {
  return author === '' ? title : `${title} by ${author}`;
}
