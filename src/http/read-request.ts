import type { IncomingMessage } from 'node:http';
import { isUtf8 } from 'node:buffer';
import { parse } from 'node:querystring';
import {
  errorCodes,
  type FastifyReply,
  type FastifyRequest,
  type preValidationHookHandler,
  type RouteOptions,
} from 'fastify';
import { SamsaError } from '../errors.ts';
import { problem, type Problem } from './problem.ts';
import type { HttpServer } from './route-schemas.ts';

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

/** RFC 3986 section 3.2: a name or IPv4 address, or an IPv6 address in brackets, perhaps with a port. */
const hostForm = /^(?:\[[\w.:%~-]*\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?$/;

/**
 * Refuses a request with several `Host` headers, and one of HTTP/1.1 without any (RFC 9112 §3.2).
 * @param rawHeaders names and values in turn.
 * @throws SamsaError `bad-request`
 */
export function requireOneHost({ rawHeaders, httpVersion }: Pick<IncomingMessage, 'rawHeaders' | 'httpVersion'>): void {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue;
    if (!hostForm.test(rawHeaders[at + 1]!)) throw new SamsaError('bad-request', 'Expected a host in the Host header.');
    hosts++;
  }
  if (hosts > 1 || (hosts === 0 && httpVersion !== '1.0'))
    throw new SamsaError('bad-request', `Expected one Host header, got ${hosts}.`);
}

/**
 * Refuses a query string that gives one parameter several values, since none of them is clearly the one meant, unless
 * the route's schema takes a list.
 * @throws SamsaError `repeated-parameter`
 */
export function requireSingleValues(request: FastifyRequest): void {
  const query = request.query as Readonly<Record<string, unknown>>;
  for (const name in query) {
    const value = query[name];
    if (!Array.isArray(value) || takesList(request.routeOptions.schema?.querystring, name)) continue;
    throw new SamsaError(
      'repeated-parameter',
      `${name.slice(0, 80)}: expected this parameter once in the query string, got it ${value.length} times.`,
    );
  }
}

type Field = { readonly type?: unknown; readonly anyOf?: readonly Field[]; readonly const?: unknown };

function fieldsOf(schema: unknown): Readonly<Record<string, Field>> {
  return ((schema ?? {}) as { properties?: Readonly<Record<string, Field>> }).properties ?? {};
}

function takesList(schema: unknown, name: string): boolean {
  const field = fieldsOf(schema)[name];
  return [field, ...(field?.anyOf ?? [])].some((each) => each?.type === 'array');
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
const decimal = /^-?\d{1,16}(?:\.\d{1,15})?$/;

type Fields = readonly string[];

/**
 * Converts query and path parameters to numbers where a route's schema asks for numbers. Nothing else is coerced, and
 * bodies are never changed.
 */
export function readNumbers(route: RouteOptions): void {
  const inQuery = numericFields(route.schema?.querystring);
  const chosen = choiceFields(route.schema?.querystring);
  const inPath = numericFields(route.schema?.params);
  if (inQuery.length + inPath.length + chosen.length === 0) return;
  const mayBeEmpty = [...inQuery, ...chosen];
  const read: preValidationHookHandler = (request, _reply, done) => {
    dropEmpty(request.query as Record<string, unknown>, mayBeEmpty);
    toNumbers(request.query, inQuery);
    toNumbers(request.params, inPath);
    done();
  };
  route.preValidation = [read, ...[route.preValidation ?? []].flat()];
}

function numericFields(schema: unknown): Fields {
  const fields = fieldsOf(schema);
  return Object.keys(fields).filter((name) => ['integer', 'number'].includes(String(fields[name]?.type)));
}

/** A form also sends the fields that were left empty. */
function dropEmpty(query: Record<string, unknown>, fields: Fields): void {
  for (const field of fields) if (query[field] === '') delete query[field];
}

/** Fields that accept only one of several texts. */
function choiceFields(schema: unknown): Fields {
  const fields = fieldsOf(schema);
  return Object.keys(fields).filter((name) => fields[name]?.anyOf !== undefined || fields[name]?.const !== undefined);
}

function toNumbers(values: unknown, fields: Fields): void {
  const record = values as Record<string, unknown>;
  for (const field of fields) {
    const value = record[field];
    if (typeof value !== 'string' || !decimal.test(value)) continue;
    if (Math.abs(Number(value)) <= Number.MAX_SAFE_INTEGER) record[field] = Number(value);
  }
}

export const bodyLimitBytes = 256 * 1024;
export const formType = 'application/x-www-form-urlencoded';

/**
 * Reads JSON and forms, both in UTF-8 only: another charset is answered with 415, bytes that are not UTF-8 with 400. A
 * byte order mark before JSON is skipped.
 */
export function readBodies(server: HttpServer): void {
  const options = { parseAs: 'buffer', bodyLimit: bodyLimitBytes } as const;
  const parseJson = server.getDefaultJsonParser('error', 'error');
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', options, (request, body: Buffer, done) => {
    try {
      void parseJson(request, textOf(request, body).replace(/^\uFEFF/, ''), (error, value: unknown) => {
        done(error ?? refusedText(value), value);
      });
    } catch (error) {
      done(error as Error);
    }
  });
  server.addContentTypeParser(formType, options, (request, body: Buffer, done) => {
    try {
      done(null, parseForm(textOf(request, body)));
    } catch (error) {
      done(error as Error);
    }
  });
}

/** Refuses forms: a form of another site could reach a shop on this machine, but it cannot send JSON. */
export async function requireJson({ headers }: FastifyRequest): Promise<void> {
  const type = headers['content-type'];
  if (!/^application\/json\s*(?:;|$)/i.test(type ?? '')) throw new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE(type);
}

/** JSON can write NUL and half a character as escapes; neither is text. @param field where the value stands. */
function refusedText(value: unknown, field = 'body'): SamsaError | null {
  if (typeof value === 'string') {
    if (value.isWellFormed() && !value.includes('\0')) return null;
    return new SamsaError('bad-request', `${field}: expected text, got a NUL or half a surrogate pair.`);
  }
  if (typeof value !== 'object' || value === null) return null;
  for (const [name, part] of Object.entries(value)) {
    const refused = refusedText(part, Array.isArray(value) ? `${field}[${name}]` : name.slice(0, 60));
    if (refused !== null) return refused;
  }
  return null;
}

function textOf(request: FastifyRequest, body: Buffer): string {
  const type = request.headers['content-type'] ?? '';
  const { 'content-encoding': encoding = 'identity' } = request.headers;
  if (encoding.toLowerCase() !== 'identity')
    throw new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE(`${encoding.slice(0, 40)}-encoded`);
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(type)?.[1] ?? 'utf-8';
  if (!/^utf-?8$/i.test(charset)) throw new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE(type.slice(0, 100));
  if (isUtf8(body)) return body.toString();
  throw new SamsaError('bad-request', 'Expected a body in UTF-8, got other bytes. Nothing was changed.');
}

function parseForm(text: string): Record<string, unknown> {
  try {
    decodeURIComponent(text);
  } catch (cause) {
    throw new SamsaError('bad-request', 'Expected a form of percent-encoded UTF-8, got other bytes.', { cause });
  }
  return { ...parse(text) };
}

/** The routes of a server, to answer requests that match none of them. */
type KnownRoutes = {
  /** Call it for each route when it is added. */
  readonly add: (route: RouteOptions) => void;
  /** The address without its last slash, if such a route exists; `null` when the address is correct or unknown. */
  readonly withoutSlash: (url: string) => string | null;
  /** The methods of all routes, as `Allow` lists them. */
  readonly allMethods: () => string;
  /** 405 with `Allow` when the address exists for other methods, else 404. */
  readonly refuse: (request: FastifyRequest, reply: FastifyReply) => Problem;
};

export function createKnownRoutes(): KnownRoutes {
  const routes: { readonly path: RegExp; readonly methods: readonly string[] }[] = [];

  const methodsAt = (path: string): readonly string[] =>
    routes.filter((route) => route.path.test(path)).flatMap(({ methods }) => methods);
  const list = (methods: readonly string[]): string => [...new Set(methods)].sort().join(', ');

  return {
    add: ({ url, method }) => {
      const pattern = url.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/:[^/]+/g, '[^/]+');
      routes.push({ path: new RegExp(`^${pattern}$`), methods: [method].flat() });
    },
    withoutSlash: (url) => {
      if (!url.endsWith('/') && !url.includes('/?')) return null;
      const end = url.indexOf('?');
      const path = end === -1 ? url : url.slice(0, end);
      if (path.length < 2 || !path.endsWith('/')) return null;
      const bare = path.replace(/\/+$/, '');
      return methodsAt(bare).length > 0 ? bare + url.slice(path.length) : null;
    },
    allMethods: () => list(routes.flatMap(({ methods }) => methods)),
    refuse: ({ method, url }, reply) => {
      const path = url.split('?', 1)[0]!;
      const allowed = list(methodsAt(path));
      const shown = path.slice(0, 200);
      if (allowed === '') return problem(404, 'not-found', `There is nothing at ${method} ${shown}.`);
      void reply.header('allow', allowed);
      return problem(405, 'method-not-allowed', `Expected ${allowed} at ${shown}, got ${method}.`);
    },
  };
}
