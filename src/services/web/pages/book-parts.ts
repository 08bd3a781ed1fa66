import type { Book } from '../../../events/book.ts';
import { html, type Html } from './html.ts';
import { drawCover } from './cover.ts';

/** The URL of a query's results; `offset` counts books, `exact` asks for the words as typed. */
export function searchUrl(query: string, offset = 0, exact = false): string {
  const search = new URLSearchParams({ q: query });
  if (offset > 0) search.set('o', String(offset));
  if (exact) search.set('exact', '1');
  return `/?${search.toString()}`;
}

/** The URL of a book's page. `from` is the search that led to it, with the book's position from 1. */
export function bookUrl(bookId: number, from?: { readonly query: string; readonly position: number }): string {
  if (from === undefined) return `/books/${bookId}`;
  const search = new URLSearchParams({ from: from.query, position: String(from.position) });
  return `/books/${bookId}?${search.toString()}`;
}

/** Books side by side, each with its cover, its title and an optional note. */
export function renderBookTable(books: readonly Book[], noteOf: (book: Book) => string | null): Html {
  return html`<ul class="table">
    ${books.map((book) => {
      const note = noteOf(book);
      return html`<li class="table-book">
        <a href="${bookUrl(book.id)}">${drawCover(book)}<span class="title">${book.title}</span></a>
        ${note !== null && html`<span class="by">${note}</span>`}
      </li>`;
    })}
  </ul>`;
}

export function renderSubjects(subjects: readonly string[]): Html {
  if (subjects.length === 0) return html``;
  return html`<ul class="subjects" aria-label="Subjects">
    ${subjects.map((subject) => html`<li><a href="${searchUrl(subject)}">${subject}</a></li>`)}
  </ul>`;
}

/** The year a book was first published, from the sign and digits at the start of its date; `null` when unknown. */
export function yearOf(book: Book): string | null {
  const [, sign = '', digits] = /^(-?)0*(\d{1,4})\b/.exec(book.published_at ?? '') ?? [];
  if (digits === undefined) return null;
  return sign === '-' ? `${digits} BC` : digits;
}
