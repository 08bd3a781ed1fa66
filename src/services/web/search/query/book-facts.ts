import { authorKey, authorKeys } from '../../../../text/authors.ts';
import { countingKey } from '../../../../text/keys.ts';
import type { BookFacts } from '../index/read-facts.ts';

export type FacetValue = { readonly value: string; readonly count: number };

/** The commonest authors, subjects and languages among what was found, each by falling count. */
export type Facets = {
  readonly author: readonly FacetValue[];
  readonly subject: readonly FacetValue[];
  readonly language: readonly FacetValue[];
};

const valuesPerFacet = 10;

/** A check of author and subject by name, however it is spelt; `null` is any. A line of several authors wants all of them. */
export function createNameCheck(author: string | null, subject: string | null): (book: BookFacts) => boolean {
  const wanted = author === null ? [] : authorKeys(author);
  const subjectKey = subject === null ? null : countingKey(subject);
  return ({ authors, subjects }) => {
    const keys = wanted.length === 0 ? [] : authors.map(authorKey);
    return (
      wanted.every((key) => keys.includes(key)) &&
      (subjectKey === null || subjects.some((name) => countingKey(name) === subjectKey))
    );
  };
}

export function countFacets(books: readonly BookFacts[]): Facets {
  const author = new Map<string, FacetValue>();
  const subject = new Map<string, FacetValue>();
  const language = new Map<string, FacetValue>();
  for (const book of books) {
    for (const name of book.authors) countValue(author, name, authorKey(name));
    for (const name of book.subjects) countValue(subject, name, countingKey(name));
    if (book.language !== null) countValue(language, book.language, book.language);
  }
  return { author: commonest(author), subject: commonest(subject), language: commonest(language) };
}

/** Books without a year come last either way; books of one year stay in the order given. */
export function sortByYear(books: readonly BookFacts[], order: 'newest' | 'oldest'): readonly number[] {
  const sign = order === 'newest' ? -1 : 1;
  const yearOf = ({ year }: BookFacts): number => (year === null ? Number.POSITIVE_INFINITY : sign * year);
  return [...books].sort((a, b) => (yearOf(a) < yearOf(b) ? -1 : Number(yearOf(a) > yearOf(b)))).map(({ id }) => id);
}

/** Spellings with one key are one value, shown as the most popular book writes it. */
function countValue(counts: Map<string, FacetValue>, value: string, key: string): void {
  const known = counts.get(key);
  counts.set(key, { value: known?.value ?? value, count: (known?.count ?? 0) + 1 });
}

function commonest(counts: ReadonlyMap<string, FacetValue>): readonly FacetValue[] {
  return [...counts.values()]
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
    .slice(0, valuesPerFacet);
}
