import type { StatementSync } from 'node:sqlite';

/** What filters, facets and sorting look at. */
export type BookFacts = {
  readonly id: number;
  /** As shown. */
  readonly authors: readonly string[];
  readonly subjects: readonly string[];
  readonly language: string | null;
  readonly year: number | null;
};

/** Conditions on whole books, checked where the rows are read. */
export type FactConditions = {
  readonly language: string | null;
  readonly from: number | null;
  readonly to: number | null;
};

/**
 * Facts of the books that meet the conditions, among the first `scanned` matches of an expression (`''`: all books), most
 * popular first.
 */
export type ReadFacts = (
  expression: string,
  conditions: FactConditions,
  limit: number,
  scanned: number,
) => readonly BookFacts[];

/** `prepare` makes statements that give rows as arrays. */
export function createFactReader(prepare: (sql: string) => StatementSync): ReadFacts {
  const factsOf = factStatements(prepare);
  return (expression, { language, from, to }, limit, scanned) => {
    const conditions = [language, language, from, from, to, to, limit] as const;
    const rows =
      expression === ''
        ? factsOf.all.all(scanned, ...conditions)
        : factsOf.matching.all(expression, scanned, ...conditions);
    return (rows as unknown as readonly Row[]).map(decodeFacts);
  };
}

type Row = readonly (string | number | null)[];

function factStatements(prepare: (sql: string) => StatementSync): { matching: StatementSync; all: StatementSync } {
  const columns = 'book.id, shown_authors, shown_subjects, language, year';
  const conditions = '(? IS NULL OR language = ?) AND (? IS NULL OR year >= ?) AND (? IS NULL OR year <= ?) LIMIT ?';
  return {
    matching: prepare(
      `SELECT ${columns} FROM (SELECT rowid AS place FROM book_text WHERE book_text MATCH ? ORDER BY rowid LIMIT ?) AS matched
       CROSS JOIN book ON book.id = matched.place & 4294967295 WHERE ${conditions}`,
    ),
    all: prepare(
      `SELECT ${columns} FROM (SELECT id FROM book WHERE place IS NOT NULL ORDER BY popularity DESC, id LIMIT ?) AS popular
       CROSS JOIN book ON book.id = popular.id WHERE ${conditions}`,
    ),
  };
}

function decodeFacts([id, authors, subjects, language, year]: Row): BookFacts {
  return {
    id: id as number,
    authors: lines(authors as string),
    subjects: lines(subjects as string),
    language: language as string | null,
    year: year as number | null,
  };
}

function lines(text: string): readonly string[] {
  return text === '' ? [] : text.split('\n');
}
