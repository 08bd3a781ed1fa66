import { SamsaError } from '../../../errors.ts';
import { offeredActions, type OfferedAction } from '../readers/action-routes.ts';

/** The query string of a page's address, not yet checked. */
export type PageParameters = Readonly<Record<string, unknown>>;

/** The search in a page's address. `query` is trimmed; it is empty on the start page. `exact`: as typed, uncorrected. */
export type PageSearch = { readonly query: string; readonly offset: number; readonly exact: boolean };

const longestQuery = 200;
const furthestOffset = 10_000;

/** @throws SamsaError `malformed-query` or `query-too-long`, with a message meant for the reader. */
export function readPageSearch(parameters: PageParameters): PageSearch {
  const query = readText('q', parameters['q']).trim();
  const offset = readText('o', parameters['o']);
  const length = Array.from(query).length;
  if (length > longestQuery) {
    throw new SamsaError(
      'query-too-long',
      `A search may have ${longestQuery} characters, this one has ${length}. A few words of the title or the author are enough.`,
    );
  }
  if (!/^\d{0,6}$/.test(offset) || Number(offset) > furthestOffset) {
    throw new SamsaError(
      'malformed-query',
      `The address of a page of results ends in o= and a number of books to skip, at most ${furthestOffset}.`,
    );
  }
  return { query, offset: Number(offset), exact: parameters['exact'] === '1' };
}

/** The search that led to a book's page, from `?from=…&position=…`; `null` when missing or invalid. */
export function readTrail(parameters: PageParameters): { readonly query: string; readonly position: number } | null {
  const { from, position } = parameters;
  if (typeof from !== 'string' || from.trim() === '' || from.length > longestQuery) return null;
  if (typeof position !== 'string' || !/^[1-9]\d{0,5}$/.test(position)) return null;
  return { query: from.trim(), position: Number(position) };
}

/** The action that a form recorded before it redirected to this page. Such a page view is not recorded again. */
export function readDone({ done }: PageParameters): OfferedAction | null {
  return offeredActions.find((action) => action === done) ?? null;
}

function readText(name: string, value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  throw new SamsaError('malformed-query', `The address has ${name}= more than once; one is expected.`);
}
