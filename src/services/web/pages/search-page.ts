import type { Book } from '../../../events/book.ts';
import { html, type Html } from './html.ts';
import { bookUrl, renderBookTable, renderSubjects, searchUrl, yearOf } from './books.ts';
import { highlightBook } from '../search/query/highlight-book.ts';
import { parseQuery } from '../search/query/parse-query.ts';
import { drawCover } from './cover.ts';

/** A page of results. */
export type ResultsView = {
  readonly query: string;
  readonly offset: number;
  /** Whether the reader asked for the words as typed. */
  readonly exact: boolean;
  readonly pageSize: number;
  readonly books: readonly Book[];
  readonly total: number;
  readonly totalIsExact: boolean;
  /** Words left out because no book has all of them. */
  readonly dropped: readonly string[];
  /** The spelling that was searched instead of the query's; `null` if it was not corrected. */
  readonly corrected: string | null;
};

const shownSubjects = 3;

/** The start page's table: the most popular books. */
export function renderFrontTable(books: readonly Book[]): Html {
  if (books.length === 0) {
    return html`<h2>The shelves are still empty</h2>
      <p class="quiet">
        Fill them with <code>samsa import FILE</code>, or add a book with <code>POST /api/books</code>.
      </p>`;
  }
  return html`<h2>On the front table</h2>
    ${renderBookTable(books, ({ author }) => author)}`;
}

export function renderResults(view: ResultsView): Html {
  if (view.books.length === 0) return renderNothing(view);
  return html`<h1 class="results-heading">${renderCount(view)} for <q>${view.corrected ?? view.query}</q></h1>
    ${renderChangedWords(view)}
    <ol class="results" start="${view.offset + 1}">
      ${view.books.map((book, index) => renderResult(book, view.query, view.offset + index + 1))}
    </ol>
    ${renderPaging(view)}`;
}

/** Made once: `toLocaleString` looks its language up at every call. */
const inEnglish = new Intl.NumberFormat('en');

function renderCount({ total, totalIsExact }: ResultsView): string {
  const count = inEnglish.format(total);
  if (!totalIsExact) return `More than ${count} books`;
  return total === 1 ? 'One book' : `${count} books`;
}

function renderChangedWords({ query, corrected, dropped }: ResultsView): Html {
  return html`${
    corrected === null
      ? ''
      : html`<p class="remark">
          Nothing is spelled <q>${query}</q> here, so these are results for <strong>${corrected}</strong>.
          <a href="${searchUrl(query, 0, true)}">Search for <q>${query}</q> anyway</a>
        </p>`
  }
  ${dropped.length === 0 ? '' : html`<p class="remark">No book has all of <q>${query}</q>. Left out: ${dropped.map((word, index) => html`${index === 0 ? '' : ', '}<s>${word}</s>`)}.</p>`}`;
}

function renderResult(book: Book, query: string, position: number): Html {
  const year = yearOf(book);
  const subjects = (book.subjects ?? []).slice(0, shownSubjects);
  return html`<li class="result">
    <a class="result-cover" href="${bookUrl(book.id, { query, position })}" tabindex="-1" aria-hidden="true"
      >${drawCover(book)}</a
    >
    <div>
      <h2 class="title"><a href="${bookUrl(book.id, { query, position })}">${book.title}</a></h2>
      <p class="by">${book.author}${year === null ? '' : html` <span class="year">${year}</span>`}</p>
      ${renderOtherTitle(book, query)} ${book.description ? html`<p class="blurb">${book.description}</p>` : ''}
      ${renderSubjects(subjects)}
    </div>
  </li>`;
}

/** Shows another title of the book, when the query matched that one. */
function renderOtherTitle(book: Book, query: string): Html {
  const others = book.other_titles ?? [];
  if (others.length === 0) return html``;
  const { words } = parseQuery(query);
  const isMatched = (title: string): boolean => highlightBook({ ...book, title }, words).highlights.title.length > 0;
  const other = others.find(isMatched);
  return other === undefined || isMatched(book.title) ? html`` : html`<p class="quiet">Also known as ${other}</p>`;
}

function renderPaging({ query, offset, exact, pageSize, total, totalIsExact, books }: ResultsView): Html {
  const hasNext = offset + books.length < total || (!totalIsExact && books.length === pageSize);
  if (offset === 0 && !hasNext) return html``;
  const previous = searchUrl(query, Math.max(0, offset - pageSize), exact);
  return html`<nav class="paging" aria-label="Pages of results">
    ${offset > 0 ? html`<a rel="prev" href="${previous}">← Previous</a>` : html`<span></span>`}
    <span class="quiet">Page ${Math.floor(offset / pageSize) + 1}</span>
    ${hasNext ? html`<a rel="next" href="${searchUrl(query, offset + pageSize, exact)}">Next →</a>` : html`<span></span>`}
  </nav>`;
}

function renderNothing({ query, offset }: ResultsView): Html {
  if (offset > 0) {
    return html`<h1 class="results-heading">No more books for <q>${query}</q></h1>
      <p class="remark"><a href="${searchUrl(query)}">Back to the first page</a></p>`;
  }
  return html`<h1 class="results-heading">No book found for <q>${query}</q></h1>
    <p class="remark">
      Fewer words, or only the author’s surname, often find more. Your search still counts: a search without results is
      an event like any other.
    </p>`;
}
