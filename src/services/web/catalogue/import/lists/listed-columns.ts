/** What a column of a list of books may hold; a list has at most one of each. */
export type BookColumn = keyof typeof columnNames;

/**
 * The names each column goes by, the best first: of two columns that mean the same, the earlier name is read. Compared
 * in lower case, with everything but letters and digits as `_`.
 */
const columnNames = {
  id: ['book_id', 'id', 'source_id', 'bookid'],
  title: ['title', 'book_title', 'name', 'original_title'],
  author: ['authors', 'author', 'author_name', 'book_author', 'creator', 'creators', 'by'],
  published: [
    'original_publication_year',
    'published_at',
    'publication_date',
    'published',
    'publication_year',
    'year_published',
    'year_of_publication',
    'first_publish_year',
    'year',
  ],
  description: ['description', 'summary', 'synopsis', 'blurb'],
  isbn13: ['isbn13', 'isbn_13', 'ean'],
  isbn: ['isbn', 'isbn10', 'isbn_10'],
  series: ['series', 'series_name'],
  subjects: ['subjects', 'subject', 'genres', 'genre', 'categories', 'category', 'tags'],
  language: ['language_code', 'language', 'lang'],
  popularity: ['ratings_count', 'popularity', 'num_ratings', 'work_ratings_count', 'readers'],
} as const satisfies Record<string, readonly string[]>;

export type FoundColumns = {
  /** Where in the header each column stands; those the list does not have are missing. */
  readonly at: ReadonlyMap<BookColumn, number>;
  /** Headers nothing is read from. */
  readonly unused: readonly string[];
};

export function findColumns(header: readonly string[]): FoundColumns {
  const names = header.map((name) =>
    name
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}]+/gu, '_')
      .replaceAll(/^_|_$/g, ''),
  );
  const at = new Map<BookColumn, number>();
  for (const [column, aliases] of Object.entries(columnNames) as [BookColumn, readonly string[]][]) {
    const found = aliases.find((alias) => names.includes(alias));
    if (found !== undefined) at.set(column, names.indexOf(found));
  }
  const used = new Set(at.values());
  return { at, unused: header.filter((name, index) => name !== '' && !used.has(index)) };
}
