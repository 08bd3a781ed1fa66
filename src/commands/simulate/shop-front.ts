import { reason, SamsaError } from '../../errors.ts';
import { clientHeader } from '../../http/access.ts';
import { backoffMs, pause } from '../../runtime/waiting.ts';
import type { MadeUpAction } from './made-up-reader.ts';
import type { KnownBook } from './query-source.ts';
import type { Random } from './random.ts';

/** The reader's cookie, as the shop set it last: `uid=…`. */
export type CookieJar = { uid: string | null };

/** The shop as its readers use it, over HTTP. Any call may reject with `shop-unreachable`: see `ShopFrontOptions`. */
export type ShopFront = {
  /** The most popular books, as they are listed: at least one, and at most `most`. */
  readonly listBooks: (most: number) => Promise<readonly KnownBook[]>;
  /** Opens the page for the first time, which gives the reader a cookie. */
  readonly enter: (jar: CookieJar) => Promise<void>;
  /** The first page of results. */
  readonly search: (query: string, jar: CookieJar) => Promise<readonly KnownBook[]>;
  readonly act: (query: string, action: MadeUpAction, jar: CookieJar) => Promise<void>;
};

/**
 * Each attempt has a deadline. While the shop is unavailable (no answer, 429, 502, 503, 504), a call tries again with
 * growing, jittered pauses, at most `attempts` times. Any other refusal ends the call at once.
 * @throws SamsaError `shop-unreachable`
 */
export type ShopFrontOptions = {
  /** Without a path. */
  readonly url: string;
  /** With it, each reader counts as a client with its own address; `null` in open mode. */
  readonly operatorToken: string | null;
  /** From 0 to below 1, spreads the attempts. */
  readonly random: Random;
  /** No attempt begins after it has fired. */
  readonly signal: AbortSignal;
  /** Called after each attempt that failed. */
  readonly onFailure: () => void;
  /** Default: 10, which take about half a minute. */
  readonly attempts?: number;
};

const deadlineMs = 5_000;
const backoff = { firstMs: 100, mostMs: 5_000 };
const awayStatuses: readonly number[] = [429, 502, 503, 504];

export function openShopFront(options: ShopFrontOptions): ShopFront {
  const { url, operatorToken, random, signal, onFailure, attempts = 10 } = options;
  const addresses = new WeakMap<CookieJar, string>();
  let readers = 0;

  /** From 198.18.0.0/15, the range for tests (RFC 2544). */
  const asClient = (jar: CookieJar): Record<string, string> => {
    if (operatorToken === null) return {};
    const address = addresses.get(jar) ?? `198.18.${(readers >> 8) & 255}.${readers++ & 255}`;
    addresses.set(jar, address);
    return { authorization: `Bearer ${operatorToken}`, [clientHeader]: address };
  };
  const ask = async (path: string, jar: CookieJar, init: RequestInit = {}): Promise<string> => {
    const cookie = jar.uid === null ? {} : { cookie: jar.uid };
    const headers = { ...cookie, ...asClient(jar), 'content-type': 'application/json' };
    for (let failures = 1; ; failures++) {
      const answer = await attempt(url + path, { ...init, headers });
      if ('text' in answer) {
        jar.uid = answer.uid ?? jar.uid;
        return answer.text;
      }
      onFailure();
      const { problem, isAway } = answer;
      if (isAway && failures < attempts) await pause(backoffMs(failures, backoff, random), signal);
      if (!isAway || failures >= attempts || signal.aborted) throw unreachable(url, problem);
    }
  };
  const askForBooks = async (path: string, jar: CookieJar): Promise<readonly KnownBook[]> =>
    readBooks(url, await ask(path, jar));

  return {
    listBooks: async (most) => {
      const listed: KnownBook[] = [];
      while (listed.length < most) {
        const page = await askForBooks(`/api/books?o=${listed.length}`, { uid: null });
        if (page.length === 0) break;
        listed.push(...page);
      }
      if (listed.length === 0) throw unreachable(url, 'it has no books yet');
      return listed.slice(0, most);
    },
    enter: async (jar) => {
      await ask('/', jar);
    },
    search: (query, jar) => askForBooks(`/api/books?q=${encodeURIComponent(query)}`, jar),
    act: async (query, { bookId, action, position }, jar) => {
      const body = JSON.stringify({ action, query, position });
      await ask(`/api/books/${bookId}/actions`, jar, { method: 'POST', body });
    },
  };
}

type Attempt =
  | { readonly text: string; readonly uid: string | undefined }
  | { readonly problem: string; readonly isAway: boolean };

async function attempt(url: string, init: RequestInit): Promise<Attempt> {
  try {
    const response = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(deadlineMs) });
    const text = await response.text();
    const { status, ok, headers } = response;
    if (!ok) return { problem: `it answered ${status}`, isAway: awayStatuses.includes(status) };
    const uid = headers.getSetCookie().find((cookie) => cookie.startsWith('uid='));
    return { text, uid: uid?.split(';', 1)[0] };
  } catch (error) {
    const { cause } = error as Error;
    return { problem: reason(cause ?? error) || 'nothing answers', isAway: true };
  }
}

function readBooks(url: string, text: string): readonly KnownBook[] {
  let books: unknown;
  try {
    books = JSON.parse(text);
  } catch (error) {
    throw unreachable(url, reason(error));
  }
  if (Array.isArray(books) && books.every(isBook)) return books;
  throw unreachable(url, 'its list holds something else than books');
}

function isBook(value: unknown): value is KnownBook {
  if (typeof value !== 'object' || value === null) return false;
  const { id, title, author, subjects = [] } = value as Readonly<Record<string, unknown>>;
  const named = Number.isSafeInteger(id) && typeof title === 'string' && typeof author === 'string';
  return named && Array.isArray(subjects) && subjects.every((subject) => typeof subject === 'string');
}

function unreachable(url: string, problem: string): SamsaError {
  return new SamsaError(
    'shop-unreachable',
    `${url}: expected a bookshop there, but ${problem}. Open one with npm start, or say with app.host and app.port where it is.`,
  );
}
