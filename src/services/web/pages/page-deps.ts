import type { Book } from '../../../events/book.ts';
import type { Assets } from '../assets/load-assets.ts';
import type { LookupBook, RecordAction } from '../readers/action-routes.ts';
import type { LastSearch } from '../readers/last-search.ts';
import type { IdentifyReader } from '../readers/reader-identity.ts';
import type { WeighSearch } from '../readers/search-weight.ts';
import type { RemoteServices } from '../remote/remote-services.ts';
import type { SearchAnswer, SearchingReader } from '../search/query/answer-search.ts';

/** What a page shows of the answer to a search. */
export type ShownAnswer = Pick<SearchAnswer, 'total' | 'totalIsExact' | 'dropped' | 'corrected'> & {
  readonly books: readonly Book[];
};

/** What the pages need to know and do; every part of the shop they touch stands here. */
export type PageDeps = {
  /** Answers a search; with `record` the search is also sent as an event. */
  readonly answerSearch: (
    query: string,
    reader: SearchingReader,
    options: { readonly offset: number; readonly limit: number; readonly record: boolean },
  ) => Promise<ShownAnswer>;
  readonly popularBooks: (limit: number, offset: number) => Promise<readonly Book[]>;
  readonly lookupBook: LookupBook;
  readonly remote: Pick<RemoteServices, 'trends' | 'recommendations'>;
  readonly identify: IdentifyReader;
  readonly weigh: WeighSearch;
  readonly lastSearch: LastSearch;
  readonly recordAction: RecordAction;
  /** `app.page_size`. */
  readonly pageSize: number;
  readonly assets: Assets;
  readonly clock: () => number;
};
