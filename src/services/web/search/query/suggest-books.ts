import type { Book } from '../../../../events/book.ts';
import { splitAuthors } from '../../../../text/authors-and-isbn.ts';
import { subjectsOf } from '../index/book-row.ts';
import { anyBook, type IndexReader } from '../index/read-index.ts';
import type { Vocabulary } from './vocabulary.ts';
import { parseQuery, type Reading } from './parse-query.ts';
import { planSearch } from './plan-search.ts';
import { holdsAll, rankBooks } from './rank-books.ts';

/** At most eight rows in all, best first. */
export type Suggestions = {
  readonly books: readonly Pick<Book, 'id' | 'title' | 'author'>[];
  readonly authors: readonly string[];
  readonly subjects: readonly string[];
  /** What other readers search for. */
  readonly queries: readonly string[];
};

const mostRows = 8;
const mostNames = 2;
/** Subjects and authors are taken from this many of the most popular matches. */
const booksWithNames = 50;

export const noSuggestions: Suggestions = { books: [], authors: [], subjects: [], queries: [] };

/** Completes an unfinished query: books that match it, and authors and subjects whose names have all of its words. */
export function suggestBooks(index: IndexReader, vocabulary: Vocabulary | null, text: string): Suggestions {
  const query = parseQuery(text);
  if (query.words.length === 0) return noSuggestions;
  const plan = planSearch(index, vocabulary, query, false);
  if (plan.places.length === 0) return noSuggestions;
  const facts = index.facts(plan.expression(), anyBook, booksWithNames);
  const authors = namesWith(
    facts.map(({ author }) => splitAuthors(author)),
    plan.readings,
  );
  const subjects = namesWith(facts.map(subjectsOf), plan.readings);
  const best = rankBooks(index.ranked(plan.places), plan.readings)
    .slice(0, mostRows - authors.length - subjects.length)
    .map(({ book }) => book.id);
  const listed = JSON.parse(index.listed(best).toString()) as readonly Book[];
  const books = listed.map(({ id, title, author }) => ({ id, title, author }));
  return { ...noSuggestions, books, authors, subjects };
}

/** The names that have all the words, the most frequent first. */
function namesWith(books: readonly (readonly string[])[], readings: readonly Reading[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const names of books) for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .filter(([name]) => readings.some((reading) => holdsAll(name, reading)))
    .sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))
    .slice(0, mostNames)
    .map(([name]) => name);
}
