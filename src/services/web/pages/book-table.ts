import type { Book } from '../../../events/book.ts';
import { html, type Html } from '../../../http/html.ts';
import { drawCover } from './cover.ts';
import { bookUrl } from './links.ts';

/** Books side by side, each with its cover, title, and a note below unless there is nothing to say. */
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
