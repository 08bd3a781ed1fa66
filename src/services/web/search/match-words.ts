import { matchExpression, type QueryWord } from './parse-query.ts';
import type { RankedBook } from './rank-books.ts';
import { mostCounted, type IndexReader } from './read-index.ts';

/** The first `limit` books that have all words, most popular first. At least one word. */
export function matchWords(index: IndexReader, words: readonly QueryWord[], limit: number): readonly RankedBook[] {
  const telling = words.filter((word) => !isCommon(index, word));
  if (telling.length > 0 && telling.length < words.length) {
    const ids = index.match(matchExpression(telling), limit, 0);
    if (ids.length < limit) {
      const common = words.filter((word) => !telling.includes(word));
      return index.ranked(ids).filter((book) => common.every((word) => hasWord(book, word)));
    }
  }
  return index.ranked(index.match(matchExpression(words), limit, 0));
}

/**
 * Finding a word in a thousand books costs more than all the rest of a search, so beside more telling words it is looked
 * for in their books' texts instead. An unfinished word is taken for telling from its third letter on.
 */
function isCommon(index: IndexReader, word: QueryWord): boolean {
  if (word.prefix && word.word.length > 2) return false;
  return index.count(matchExpression([word])) === mostCounted;
}

function hasWord(book: RankedBook, { word, prefix, only }: QueryWord): boolean {
  const needle = prefix ? ` ${word}` : ` ${word} `;
  if (only !== null) return book[only].includes(needle);
  return (
    book.title.includes(needle) ||
    book.author.includes(needle) ||
    book.series.includes(needle) ||
    book.subjects.includes(needle)
  );
}
