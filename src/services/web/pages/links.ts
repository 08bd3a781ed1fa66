/** The page of a query's results; `offset` in books. */
export function searchUrl(query: string, offset = 0): string {
  const search = new URLSearchParams({ q: query });
  if (offset > 0) search.set('o', String(offset));
  return `/?${search.toString()}`;
}

/** A book's page; with where it stood (from 1) when a reader comes from results. */
export function bookUrl(bookId: number, from?: { readonly query: string; readonly position: number }): string {
  if (from === undefined) return `/books/${bookId}`;
  const search = new URLSearchParams({ from: from.query, position: String(from.position) });
  return `/books/${bookId}?${search.toString()}`;
}
