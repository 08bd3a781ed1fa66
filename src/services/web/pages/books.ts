import type { Book } from '../../../events/book.ts';
import type { ReaderActionName } from '../../../events/reader-action.ts';
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

export type BookView = {
  readonly book: Book;
  /** Other books by the same author. */
  readonly related: readonly Book[];
  /** The action that the reader has just taken. The page confirms it and offers to undo it. */
  readonly done: ReaderActionName | null;
  /** The search that led the reader here. */
  readonly from: string | null;
};

export function renderBook({ book, related, done, from }: BookView): Html {
  const facts = [book.series, yearOf(book), book.language, book.isbn].filter((fact) => fact != null && fact !== '');
  return html`<article class="book">
    ${
      from === null
        ? ''
        : html`<p class="trail">
            <a href="${searchUrl(from)}">← Results for <q>${from}</q></a>
          </p>`
    }
    <div class="book-cover">${drawCover(book)}</div>
    <div class="book-text">
      <h1>${book.title}</h1>
      <p class="by">by <a href="${searchUrl(book.author)}">${book.author}</a></p>
      ${facts.length === 0 ? '' : html`<p class="facts">${facts.join(' · ')}</p>`} ${renderActions(book, done)}
      ${paragraphsOf(book.description ?? '').map((paragraph) => html`<p class="description">${paragraph}</p>`)}
      ${renderSubjects(book.subjects ?? [])}
    </div>
    ${renderRelated(book.author, related)}
  </article>`;
}

/** The actions on a book, each with its button, its confirmation and the action that undoes it. */
const offered: readonly { action: ReaderActionName; label: string; doneText: string; undo: ReaderActionName }[] = [
  { action: 'wanted', label: 'I want to read this', doneText: 'Noted: you want to read this.', undo: 'unwanted' },
  {
    action: 'dismissed',
    label: 'Not for me',
    doneText: 'Understood: it will not be suggested again.',
    undo: 'restored',
  },
];

function renderActions(book: Book, done: ReaderActionName | null): Html {
  const confirmed = offered.find(({ action }) => action === done);
  return html`<form class="actions" method="post" action="/api/books/${book.id}/actions">
    <input type="hidden" name="back" value="${bookUrl(book.id)}" />
    ${
      confirmed === undefined
        ? offered.map(({ action, label }) => html`<button name="action" value="${action}">${label}</button>`)
        : html`<p role="status">${confirmed.doneText}</p>
            <button class="undo" name="action" value="${confirmed.undo}">Take it back</button>`
    }
  </form>`;
}

function renderRelated(author: string, related: readonly Book[]): Html {
  if (related.length === 0) return html``;
  return html`<section class="related" aria-labelledby="related-heading">
    <h2 id="related-heading">More by ${author}</h2>
    ${renderBookTable(related, yearOf)}
  </section>`;
}

function paragraphsOf(description: string): string[] {
  return description
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.trim())
    .filter((paragraph) => paragraph !== '');
}
