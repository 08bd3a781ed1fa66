import type { Book } from '../../../events/book.ts';
import type { ReaderActionName } from '../../../events/reader-action.ts';
import { html, type Html } from './html.ts';
import { bookUrl, renderBookTable, renderSubjects, searchUrl, yearOf } from './book-parts.ts';
import { drawCover } from './cover.ts';

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
