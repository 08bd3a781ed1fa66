import type { Book } from '../../../../events/book.ts';
import { cutWords } from '../../../../text/words.ts';
import { matchExpression, parseQuery, type QueryWord } from './parse-query.ts';
import { rankBooks } from './rank-books.ts';
import type { BookFacts } from '../index/read-facts.ts';
import type { IndexReader } from '../index/read-index.ts';

/** At most eight rows in all, best first. */
export type Suggestions = {
  readonly books: readonly Pick<Book, 'id' | 'title' | 'author'>[];
  readonly authors: readonly string[];
  readonly subjects: readonly string[];
  /** What other readers search; none yet. */
  readonly queries: readonly string[];
};

const mostRows = 8;
const mostNames = 2;
const candidates = 100;
/** A subject or author is looked for in this many of the most popular matches. */
const booksWithNames = 50;

export const noSuggestions: Suggestions = { books: [], authors: [], subjects: [], queries: [] };

/** What an unfinished query may become: books that match it, and authors and subjects named by all of its words. */
export function suggestBooks(index: IndexReader, text: string): Suggestions {
  const query = parseQuery(text);
  if (query.words.length === 0) return noSuggestions;
  const expression = matchExpression(query.words);
  const ids = index.match(expression, candidates, 0);
  if (ids.length === 0) return noSuggestions;
  const facts = index.facts(expression, { language: null, from: null, to: null }, booksWithNames, booksWithNames);
  const authors = namesWith(facts, ({ authors }) => authors, query.words);
  const subjects = namesWith(facts, ({ subjects }) => subjects, query.words);
  const best = rankBooks(index.ranked(ids), query.phrase, query.words)
    .slice(0, mostRows - authors.length - subjects.length)
    .map(({ id }) => id);
  const books = index.listed(best).map((json) => {
    const { id, title, author } = JSON.parse(Buffer.from(json).toString()) as Book;
    return { id, title, author };
  });
  return { ...noSuggestions, books, authors, subjects };
}

/** Names that hold all the words, the one of the most books first. */
function namesWith(
  books: readonly BookFacts[],
  namesOf: (book: BookFacts) => readonly string[],
  words: readonly QueryWord[],
): readonly string[] {
  const counts = new Map<string, number>();
  for (const book of books) for (const name of namesOf(book)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .filter(([name]) => holdsAll(name, words))
    .sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))
    .slice(0, mostNames)
    .map(([name]) => name);
}

function holdsAll(name: string, words: readonly QueryWord[]): boolean {
  const cuts = cutWords(name);
  return words.every(({ word, prefix }) =>
    cuts.some((cut) => (prefix ? cut.word.startsWith(word) : cut.word === word)),
  );
}
