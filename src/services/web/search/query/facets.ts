import { authorKey, authorKeys, splitAuthors } from '../../../../text/fields.ts';
import { countingKey } from '../../../../text/words.ts';
import type { BookFacts } from '../index/read-index.ts';
import { matchExpression, wordsIn } from './parse-query.ts';

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

const valuesPerFacet = 10;

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
export function countFacets(books: readonly BookFacts[], filters: SearchFilters | undefined): Facets {
  const checks = {
    author: authorCheck(filters?.authors ?? []),
    subject: subjectCheck(filters?.subjects ?? []),
    language: languageCheck(filters?.languages ?? []),
  };
  const isInYears = yearCheck(filters?.from ?? null, filters?.to ?? null);
  const author = createCounts(authorKey);
  const subject = createCounts(countingKey);
  const language = createCounts((value) => value);
  for (const book of books) {
    if (!isInYears(book)) continue;
    const [isAuthor, isSubject, isLanguage] = [checks.author(book), checks.subject(book), checks.language(book)];
    if (isSubject && isLanguage) author.add(namesIn(book.author));
    if (isAuthor && isLanguage) subject.add(book.subjects);
    if (isAuthor && isSubject && book.language !== null) language.add([book.language]);
  }
  return {
    author: author.commonest((filters?.authors ?? []).flatMap(splitAuthors)),
    subject: subject.commonest(filters?.subjects ?? []),
    language: language.commonest(filters?.languages ?? []),
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
  return ({ subjects }) => subjects.some((name) => wanted.has(countingKey(name)));
}

function languageCheck(languages: readonly string[]): Check {
  return ({ language }) => languages.length === 0 || (language !== null && languages.includes(language));
}

function yearCheck(from: number | null, to: number | null): Check {
  return ({ year }) =>
    (from === null || (year !== null && year >= from)) && (to === null || (year !== null && year <= to));
}

/** Most books have one author whose name needs no splitting. */
function namesIn(author: string): readonly string[] {
  if (author === '') return [];
  return /[,;&|/\n、，،؛([]|\b(?:and|with)\b/i.test(author) ? splitAuthors(author) : [author];
}

/** Counts values; spellings with one key are one value, shown as the most popular book writes it. */
function createCounts(keyOf: (value: string) => string) {
  const byValue = new Map<string, number>();
  return {
    add: (values: readonly string[]): void => {
      for (const value of values) byValue.set(value, (byValue.get(value) ?? 0) + 1);
    },
    /** Chosen values are always among them, even with a small count. */
    commonest: (chosen: readonly string[]): readonly FacetValue[] => {
      const counts = new Map<string, FacetValue>();
      for (const [value, count] of byValue) {
        const key = keyOf(value);
        const known = counts.get(key);
        counts.set(key, { value: known?.value ?? value, count: (known?.count ?? 0) + count });
      }
      const sorted = [...counts].sort(([, a], [, b]) => b.count - a.count || (a.value < b.value ? -1 : 1));
      const chosenKeys = new Set(chosen.map(keyOf));
      return sorted.filter(([key], at) => at < valuesPerFacet || chosenKeys.has(key)).map(([, value]) => value);
    },
  };
}
