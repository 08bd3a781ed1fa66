import type { Book } from '../../../events/book.ts';
import { createLruMap } from '../../../runtime/lru-map.ts';
import { countingKey } from '../../../text/words.ts';
import { html, type Html } from './html.ts';
import type { Recommendation, RemoteAnswer, Trend } from '../remote-services.ts';
import { bookUrl, searchUrl } from './books.ts';
import { drawCover } from './cover.ts';

const shownTrends = 10;
const shownRecommendations = 6;
const behindAfterMs = 10_000;
const justNowMs = 5 * 60_000;

export type LatestSearch = {
  readonly query: string;
  readonly timeMs: number;
  /** The best match; `null` when nothing was found. */
  readonly firstBook: Pick<Book, 'id' | 'title' | 'author'> | null;
};

/**
 * Each reader's latest search of the last half hour, so that the page can show "you, just now" before it is counted.
 */
export type LastSearch = {
  readonly remember: (readerId: string, search: LatestSearch) => void;
  readonly of: (readerId: string) => LatestSearch | null;
};

const shownForMs = 30 * 60_000;
const rememberedReaders = 10_000;

/** Kept in memory for at least the 10,000 readers who searched last. */
export function createLastSearch(clock: () => number): LastSearch {
  const searches = createLruMap<string, LatestSearch>(rememberedReaders);
  return {
    remember: searches.set,
    of: (readerId) => {
      const search = searches.get(readerId);
      return search === undefined || clock() - search.timeMs > shownForMs ? null : search;
    },
  };
}

export type PanelViews = {
  readonly trends: RemoteAnswer<Trend>;
  readonly recommendations: RemoteAnswer<Recommendation>;
  readonly own: LatestSearch | null;
  /** The page to which a form redirects. */
  readonly back: string;
  readonly nowMs: number;
};

/** Both panels. `data-live` tells the script where to fetch their new contents. */
export function renderPanels(views: PanelViews): Html {
  return html`<aside class="panels" aria-label="From the readers of this shop">
    <section class="card" aria-labelledby="trends-heading">
      <h2 id="trends-heading">What readers are searching for</h2>
      <div data-live="/fragments/trends">${renderTrends(views)}</div>
    </section>
    <section class="card" aria-labelledby="next-heading">
      <h2 id="next-heading">What you might read next</h2>
      <div data-live="/fragments/recommendations?${new URLSearchParams({ back: views.back }).toString()}">
        ${renderRecommendations(views)}
      </div>
    </section>
  </aside>`;
}

/** Shows the reader's own latest search first, even before it is counted, then the trends. */
export function renderTrends({ trends, own, nowMs }: Omit<PanelViews, 'recommendations' | 'back'>): Html {
  const listed = trends.ok ? trends.items : [];
  const ownKey = own === null ? null : countingKey(own.query);
  const others = listed
    .filter(({ query }) => countingKey(query) !== ownKey)
    .slice(0, shownTrends - (own === null ? 0 : 1));
  const counted = listed.find(({ query }) => countingKey(query) === ownKey);
  const ownRow = own === null ? null : renderOwn(own, counted, nowMs);
  const rows = others.map((trend) => renderTrend(trend));
  return html`${
    own === null && others.length === 0
      ? ''
      : html`<ol class="trends">
          ${ownRow}${rows}
        </ol>`
  }
  ${trends.ok ? renderTrendNote(trends.items, own, nowMs) : renderAway('The list of other readers’ searches')}`;
}

function renderOwn(own: LatestSearch, counted: Trend | undefined, nowMs: number): Html {
  const when = nowMs - own.timeMs < justNowMs ? 'you, just now' : 'you, a little earlier';
  const led = own.firstBook === null ? 'no book found' : `found ${own.firstBook.title}`;
  return html`<li class="trend is-own" data-key="own ${countingKey(own.query)}">
    <a href="${searchUrl(own.query)}">${own.query}</a>
    <span class="note"><strong>${when}</strong> · ${(counted && readersOf(counted)) || led}</span>
    ${drawSparkline(counted?.hourly ?? [])}
  </li>`;
}

function renderTrend(trend: Trend): Html {
  const rising = trend.kind === 'rising';
  return html`<li class="trend${rising ? ' is-rising' : ''}" data-key="${countingKey(trend.query)}">
    <a href="${searchUrl(trend.query)}">${trend.query}</a>
    <span class="note"
      >${rising ? html`<strong>rising</strong> · ${trend.why ?? readersOf(trend)}` : readersOf(trend)}</span
    >
    ${drawSparkline(trend.hourly ?? [])}
  </li>`;
}

function readersOf({ readers = 0, searches = 0 }: Trend): string {
  if (readers + searches === 0) return '';
  if (readers === 0) return searches === 1 ? '1 search' : `${searches} searches`;
  return readers === 1 ? '1 reader' : `${readers} readers`;
}

function renderTrendNote(listed: readonly Trend[], own: LatestSearch | null, nowMs: number): Html {
  if (listed.length === 0) {
    return html`<p class="quiet">
      ${own === null ? 'Nobody has searched yet. The first search will appear here.' : 'Other readers’ searches will join yours here.'}
    </p>`;
  }
  const asOfMs = Date.parse(listed[0]?.as_of ?? '');
  const behindMs = nowMs - asOfMs;
  if (!(behindMs > behindAfterMs)) return html``;
  return html`<p class="quiet">Counting is ${Math.round(behindMs / 1_000)} seconds behind.</p>`;
}

/** Suggestions, each with its reason and a button to dismiss it. */
export function renderRecommendations({ recommendations, back }: Pick<PanelViews, 'recommendations' | 'back'>): Html {
  if (!recommendations.ok) return renderAway('The list of suggestions');
  if (recommendations.items.length === 0) {
    return html`<p class="quiet">
      Search for something, or open a book: suggestions will appear here, each with its reason.
    </p>`;
  }
  const rows = recommendations.items.slice(0, shownRecommendations).map((book) => renderRecommendation(book, back));
  return html`<ul class="suggestions">
    ${rows}
  </ul>`;
}

function renderRecommendation(book: Recommendation, back: string): Html {
  const { book_id: id, title } = book;
  const reason = book.reasons?.[0]?.text;
  const dismiss =
    id === undefined
      ? ''
      : html`<form method="post" action="/api/books/${id}/actions">
          <input type="hidden" name="back" value="${back}" />
          <button class="dismiss" name="action" value="dismissed" aria-label="Not for me: ${title}" title="Not for me">
            <span aria-hidden="true">×</span>
          </button>
        </form>`;
  return html`<li class="suggestion" data-key="${id ?? title}">
    ${drawCover(book)}
    <div>
      <a href="${id === undefined ? searchUrl(title) : bookUrl(id)}">${title}</a>
      <span class="by">${book.author}</span>
      ${reason === undefined ? '' : html`<span class="note">${reason}</span>`}
    </div>
    ${dismiss}
  </li>`;
}

function renderAway(what: string): Html {
  return html`<p class="quiet">${what} is not available right now. Everything else works.</p>`;
}

const sparkline = { width: 72, height: 20, shownHours: 24 };

/** Draws the readers per hour of the last 24 hours, oldest first. Empty for fewer than two values or only zeros. */
function drawSparkline(hourly: readonly number[]): Html {
  const values = hourly.slice(-sparkline.shownHours);
  if (values.length < 2 || values.every((value) => value === 0)) return html``;
  const { width, height } = sparkline;
  const most = Math.max(...values);
  const points = values.map((value, index) => {
    const x = 2 + (index * (width - 6)) / (values.length - 1);
    const y = height - 3 - (value / most) * (height - 6);
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  const [lastX, lastY] = (points.at(-1) ?? '0 0').split(' ');
  return html`<svg class="sparkline" viewBox="0 0 ${width} ${height}" aria-hidden="true" focusable="false">
    <polyline points="${points.join(',')}" />
    <circle cx="${lastX}" cy="${lastY}" r="2" />
  </svg>`;
}
