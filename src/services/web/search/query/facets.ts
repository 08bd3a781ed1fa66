import { authorKeys, splitAuthors } from '../../../../text/authors-and-isbn.ts';
import { countingKey } from '../../../../text/words.ts';
import { facetKinds, subjectsOf, type FacetKind } from '../index/book-row.ts';
import type { BookFacts } from '../index/read-index.ts';
import { countValues, createFacetCounts, firstOf, type FacetCounts } from '../index/facet-counts.ts';
import { matchExpression } from '../index/slots.ts';
import { wordsIn } from './parse-query.ts';

/** A book needs one of the values of each kind; no values: all books. Years include both ends. */
export type SearchFilters = {
  readonly authors: readonly string[];
  readonly subjects: readonly string[];
  /** Languages without region, in lower case. */
  readonly languages: readonly string[];
  readonly from: number | null;
  readonly to: number | null;
};

export type FacetValue = { readonly value: string; readonly count: number };

/** The most frequent authors, subjects and languages among the books found, each by falling count. */
export type Facets = {
  readonly author: readonly FacetValue[];
  readonly subject: readonly FacetValue[];
  readonly language: readonly FacetValue[];
};

export const valuesPerFacet = 10;

type Check = (book: BookFacts) => boolean;

/**
 * Checks authors and subjects by name, in any spelling. If the name chosen has several authors, a book needs all of
 * them.
 */
export function createFilter(filters: SearchFilters | undefined): Check {
  if (filters === undefined) return () => true;
  const isAuthor = authorCheck(filters.authors);
  const isSubject = subjectCheck(filters.subjects);
  return (book) => isAuthor(book) && isSubject(book);
}

/** Narrows the expression to books that have the words of the wanted names, so that few other books are read. */
export function narrowed(expression: string, filters: SearchFilters | undefined): string {
  const parts = [expression];
  for (const names of [filters?.authors ?? [], filters?.subjects ?? []]) {
    const wanted = names.map((name) => matchExpression(wordsIn(name))).filter((words) => words !== '');
    if (wanted.length > 0) parts.push(wanted.map((words) => `(${words})`).join(' OR '));
  }
  const given = parts.filter((part) => part !== '');
  return given.length < 2 ? (given[0] ?? '') : given.map((part) => `(${part})`).join(' AND ');
}

/** Counts the values of each kind among the books that pass the filters of the other kinds. */
export function countChosenFacets(books: readonly BookFacts[], filters: SearchFilters | undefined): Facets {
  const isInYears = yearCheck(filters?.from ?? null, filters?.to ?? null);
  const isAuthor = authorCheck(filters?.authors ?? []);
  const isSubject = subjectCheck(filters?.subjects ?? []);
  const isLanguage = languageCheck(filters?.languages ?? []);
  const counts = createFacetCounts();
  for (const book of books) {
    if (!isInYears(book)) continue;
    const [hasAuthor, hasSubject, hasLanguage] = [isAuthor(book), isSubject(book), isLanguage(book)];
    if (hasSubject && hasLanguage) countValues(counts, 'author', book);
    if (hasAuthor && hasLanguage) countValues(counts, 'subject', book);
    if (hasAuthor && hasSubject) countValues(counts, 'language', book);
  }
  return facetsOf(counts, filters);
}

/** The most frequent values of each kind. Chosen values are always among them. */
export function facetsOf({ author, subject, language }: FacetCounts, filters?: SearchFilters): Facets {
  return {
    author: commonest('author', author, (filters?.authors ?? []).flatMap(splitAuthors)),
    subject: commonest('subject', subject, filters?.subjects ?? []),
    language: commonest('language', language, filters?.languages ?? []),
  };
}

function authorCheck(names: readonly string[]): Check {
  const wanted = names.map(authorKeys);
  if (wanted.length === 0) return () => true;
  return ({ author }) => {
    const keys = authorKeys(author);
    return wanted.some((all) => all.every((key) => keys.includes(key)));
  };
}

function subjectCheck(names: readonly string[]): Check {
  const wanted = new Set(names.map(countingKey));
  if (wanted.size === 0) return () => true;
  return (book) => subjectsOf(book).some((name) => wanted.has(countingKey(name)));
}

function languageCheck(languages: readonly string[]): Check {
  return ({ language }) => languages.length === 0 || (language !== null && languages.includes(language));
}

function yearCheck(from: number | null, to: number | null): Check {
  return ({ year }) =>
    (from === null || (year !== null && year >= from)) && (to === null || (year !== null && year <= to));
}

/**
 * The values of the most books. Spellings with one key are one value, shown as the most popular book writes it. Chosen
 * values are always among them, even with a small count.
 */
function commonest(
  kind: FacetKind,
  spellings: ReadonlyMap<string, number>,
  chosen: readonly string[],
): readonly FacetValue[] {
  const { keyOf } = facetKinds[kind];
  const counts = new Map<string, { readonly value: string; count: number }>();
  for (const [value, count] of spellings) {
    const key = keyOf(value);
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { value, count });
    else known.count += count;
  }
  const best = firstOf(counts.values(), valuesPerFacet, byCount);
  const others = new Set(chosen.map(keyOf).map((key) => counts.get(key)));
  const added = [...others].filter((value) => value !== undefined && !best.includes(value)) as FacetValue[];
  return [...best, ...added.sort(byCount)];
}

/** The greater count first. */
function byCount(a: FacetValue, b: FacetValue): number {
  return b.count - a.count || (a.value < b.value ? -1 : 1);
}
