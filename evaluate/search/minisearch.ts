import MiniSearch from 'minisearch';
import type { Answered } from './ask-queries.ts';
import { readBooks } from './read-books.ts';

/** The same books in MiniSearch, as its documentation advises: prefixes, fuzziness by length, title before author. */
export async function indexWithMiniSearch(files: readonly string[]): Promise<(query: string) => Answered> {
  const search = new MiniSearch<{ id: number; title: string; author: string; popularity: number }>({
    fields: ['title', 'author'],
    storeFields: ['title', 'author', 'popularity'],
  });
  for await (const { id, title, author, popularity } of readBooks(files)) {
    search.add({ id, title, author, popularity: popularity ?? 0 });
  }
  return (query) =>
    search
      .search(query, {
        combineWith: 'AND',
        prefix: (_word, at, words) => at === words.length - 1,
        fuzzy: (word) => (word.length < 4 ? 0 : word.length < 8 ? 1 : 2),
        boost: { title: 2 },
        boostDocument: (_id, _word, stored) => Math.log2(2 + Number(stored?.['popularity'] ?? 0)),
      })
      .slice(0, 10)
      .map(({ title, author }) => ({ title: String(title), author: String(author) }));
}
