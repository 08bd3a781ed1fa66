import type { preValidationHookHandler, RouteOptions } from 'fastify';
import { SamsaError } from '../errors.ts';

const control = /\p{Cc}/u;

/**
 * Refuses a path or query whose percent-encoding is not UTF-8 or contains a control character. Unencoded ones do not
 * get this far: Node's parser accepts only visible ASCII.
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
 * Refuses a query string that gives one parameter several values, since none of them is clearly the one meant.
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

/** Numbers that a double holds exactly. Anything else stays text, and the schema refuses it. */
const decimal = /^-?\d{1,15}(?:\.\d{1,15})?$/;

type Fields = readonly string[];

/**
 * Converts query and path parameters to numbers where a route's schema asks for numbers. Nothing else is coerced, and
 * bodies are never changed.
 */
export function readNumbers(route: RouteOptions): void {
  const inQuery = numericFields(route.schema?.querystring);
  const inPath = numericFields(route.schema?.params);
  if (inQuery.length === 0 && inPath.length === 0) return;
  const read: preValidationHookHandler = (request, _reply, done) => {
    toNumbers(request.query, inQuery);
    toNumbers(request.params, inPath);
    done();
  };
  route.preValidation = [read, ...[route.preValidation ?? []].flat()];
}

function numericFields(schema: unknown): Fields {
  const { properties = {} } = (schema ?? {}) as { properties?: Readonly<Record<string, { type?: unknown }>> };
  return Object.keys(properties).filter((name) => ['integer', 'number'].includes(String(properties[name]?.type)));
}

function toNumbers(values: unknown, fields: Fields): void {
  const record = values as Record<string, unknown>;
  for (const field of fields) {
    const value = record[field];
    if (typeof value === 'string' && decimal.test(value)) record[field] = Number(value);
  }
}
