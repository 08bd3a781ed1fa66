import assert from 'node:assert/strict';
import type { Book } from '../../src/events/book.ts';
import { openIndexForWriting } from '../../src/services/web/search/index/index-file.ts';
import { createIndexWriter } from '../../src/services/web/search/index/index-writer.ts';
import { openIndexForReading, type IndexReader } from '../../src/services/web/search/index/read-index.ts';
import { buildWordData } from '../../src/services/web/search/index/word-data.ts';
import { createVocabulary, type Vocabulary } from '../../src/services/web/search/query/vocabulary.ts';

export type OpenShelf = IndexReader & { readonly vocabulary: Vocabulary };

/** A search index of these books, whose ids count from 1, with its corrections prepared. */
export function openShelf(path: string, books: readonly Omit<Book, 'id'>[]): OpenShelf {
  const database = openIndexForWriting(path, 0, assert.fail);
  const changes = books.map((book, at) => {
    return { kind: 'book', bookId: at + 1, version: 1, book: { id: at + 1, ...book } } as const;
  });
  const writer = createIndexWriter(database, () => 0);
  database.transaction(() => writer.apply(changes, 0, 'read'));
  const data = buildWordData(database);
  database.close();
  const index = openIndexForReading(path);
  index.beginWords();
  index.useWords(data);
  return { ...index, vocabulary: createVocabulary(data) };
}
