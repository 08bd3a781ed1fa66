import { SamsaError } from '../errors.ts';

const control = /\p{Cc}/u;

/**
 * Refuses an address, path and query, whose percent signs encode no UTF-8 or a control character. Raw ones never come
 * this far: Node's parser takes visible ASCII only.
 * @throws SamsaError `malformed-query`
 */
export function requireText(url: string): void {
  if (!url.includes('%')) return;
  let text: string;
  try {
    text = decodeURIComponent(url);
  } catch (cause) {
    throw malformed('a percent sign that encodes no UTF-8', cause);
  }
  if (control.test(text)) throw malformed('a control character');
}

/**
 * Refuses a query string that gives one parameter several values: which of them counts would be anybody's guess.
 * @throws SamsaError `repeated-parameter`
 */
export function requireSingleValues(query: Readonly<Record<string, unknown>>): void {
  for (const name in query) {
    const value = query[name];
    if (!Array.isArray(value)) continue;
    throw new SamsaError(
      'repeated-parameter',
      `${name.slice(0, 80)}: expected this parameter once in the query string, got it ${value.length} times.`,
    );
  }
}

function malformed(what: string, cause?: unknown): SamsaError {
  return new SamsaError(
    'malformed-query',
    `Expected an address and query of percent-encoded UTF-8 text, got ${what}.`,
    {
      cause,
    },
  );
}
