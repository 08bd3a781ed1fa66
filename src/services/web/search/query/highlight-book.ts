import type { Book } from '../../../../events/book.ts';
import { cutWords } from '../../../../text/words.ts';
import type { QueryWord } from './parse-query.ts';

/** Where a text matched: from (inclusive) and to (exclusive) in UTF-16 code units, in order, without overlaps. */
export type Ranges = readonly (readonly [start: number, end: number])[];

export type HighlightedBook = {
  readonly highlights: { readonly title: Ranges; readonly author: Ranges };
  /** Which fields matched any of the words. */
  readonly matched: readonly ('title' | 'author' | 'series' | 'subjects' | 'other_titles')[];
};

export function highlightBook(book: Book, words: readonly QueryWord[]): HighlightedBook {
  const anywhere = words.filter(({ only }) => only === null);
  const title = highlightText(book.title, anywhere);
  const author = highlightText(book.author, words);
  const matched: HighlightedBook['matched'][number][] = [];
  if (title.length > 0) matched.push('title');
  if (author.length > 0) matched.push('author');
  if (highlightText(book.series ?? '', anywhere).length > 0) matched.push('series');
  if ((book.subjects ?? []).some((subject) => highlightText(subject, anywhere).length > 0)) matched.push('subjects');
  if ((book.other_titles ?? []).some((title) => highlightText(title, anywhere).length > 0))
    matched.push('other_titles');
  return { highlights: { title, author }, matched };
}

function highlightText(text: string, words: readonly QueryWord[]): Ranges {
  if (text === '' || words.length === 0) return [];
  const found = cutWords(text)
    .filter((cut) => words.some(({ word, prefix }) => cut.word === word || (prefix && cut.word.startsWith(word))))
    .map(({ start, end }) => [start, end] as const)
    .sort(([a], [b]) => a - b);
  const ranges: [number, number][] = [];
  for (const [start, end] of found) {
    const last = ranges.at(-1);
    if (last !== undefined && start < last[1]) last[1] = Math.max(last[1], end);
    else ranges.push([start, end]);
  }
  return ranges;
}
