import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyError } from 'fastify';
import { SamsaError, type ErrorCode } from '../errors.ts';

/** A failure in the form of RFC 9457, with a stable `code`. */
export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  /** A sentence for people: what was expected, what came. */
  readonly detail: string;
  readonly retryAfterSeconds?: number;
};

/** The status for each code that a route may throw. Any other code is answered with 500. */
const statuses: Partial<Readonly<Record<ErrorCode, number>>> = {
  'bad-request': 400,
  'book-unknown': 404,
  'cross-site-request': 403,
  'log-closed': 503,
  'log-unavailable': 503,
  'malformed-query': 400,
  'operator-only': 403,
  'query-too-long': 400,
  'reader-unknown': 403,
  'repeated-parameter': 400,
  'spool-full': 503,
  'store-damaged': 503,
  'store-unavailable': 503,
  'too-many-requests': 429,
  'unknown-query': 404,
};

/** The code for each refusal by Fastify, its plugins and Node, by status. */
const frameworkCodes: Readonly<Record<number, string>> = {
  400: 'bad-request',
  404: 'not-found',
  408: 'too-slow',
  413: 'body-too-large',
  414: 'address-too-long',
  415: 'unsupported-content-type',
  429: 'too-many-requests',
  431: 'headers-too-large',
};

const damaged = 'A file of this shop is damaged, so this cannot be answered until it is repaired.';
const away = 'The shop cannot do this right now. Try again in a moment.';

export function problem(status: number, code: string, detail: string): Problem {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, code, detail };
}

/** Turns any thrown value into a problem. Details of internal errors never leave the process. */
export function problemOf(error: unknown): Problem {
  if (error instanceof SamsaError) {
    const status = statuses[error.code];
    if (status === undefined) return internal();
    const told = problem(status, error.code, error.message);
    if (status === 429) return { ...told, retryAfterSeconds: 60 };
    if (status < 500) return told;
    if (error.code === 'store-damaged') return problem(status, error.code, damaged);
    return { ...problem(status, error.code, away), retryAfterSeconds: 1 };
  }
  if (!(error instanceof Error)) return internal();
  const { code: thrown, statusCode, validation, message } = error as FastifyError;
  if (validation !== undefined) return problem(400, 'bad-request', describeValidation(error as FastifyError));
  if (thrown === 'FST_ERR_BAD_URL') {
    return problem(400, 'malformed-query', 'Expected a path of percent-encoded UTF-8 text, got something else.');
  }
  if (statusCode === 415) return problem(415, frameworkCodes[415]!, describeType(message));
  const code = frameworkCodes[statusCode ?? 500];
  return code === undefined ? internal() : problem(statusCode!, code, message);
}

/** The framework says what came, if anything, and not what was expected. */
function describeType(message: string): string {
  const got = message.replace(/^Unsupported Media Type(?: undefined)? ?/, '');
  const expected = 'Expected content-type application/json in UTF-8, or another one that /openapi.json names';
  return got === '' ? `${expected}.` : `${expected}, got ${got}.`;
}

/** The answer to a request that arrives while the service stops. */
export function stoppingProblem(): Problem {
  return { ...problem(503, 'stopping', 'This service is stopping. Try again in a moment.'), retryAfterSeconds: 1 };
}

function internal(): Problem {
  return problem(500, 'internal-error', 'An error inside the shop kept it from answering. The error is in its log.');
}

/** Answers an `Expect` header other than `100-continue`. */
export function answerExpectation(request: IncomingMessage, response: ServerResponse): void {
  const expected = String(request.headers.expect).slice(0, 80);
  const body = JSON.stringify(
    problem(417, 'expectation-failed', `Expected no Expect header, or 100-continue, got ${expected}.`),
  );
  response.writeHead(417, { 'content-type': 'application/problem+json', connection: 'close' }).end(body);
}

/** Answers a connection that sent an invalid or incomplete HTTP request, then closes it. */
export function answerBrokenRequest(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  refuseConnection(socket, refusalOf(error.code));
}

/** Answers `CONNECT`, for which Node has no response object. @param allow the methods there are. */
export function answerConnect(socket: Duplex, allow: string): void {
  refuseConnection(socket, problem(405, 'method-not-allowed', `Expected ${allow}, got CONNECT.`), [`allow: ${allow}`]);
}

function refuseConnection(socket: Duplex, refusal: Problem, headers: readonly string[] = []): void {
  const body = JSON.stringify(refusal);
  const head = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`,
    ...headers,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

function refusalOf(code: string | undefined): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return problem(408, 'too-slow', 'The request did not arrive in time. Send it again.');
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return problem(431, 'headers-too-large', 'Expected address and headers of at most 16 KiB together, got more.');
  }
  if (code === 'HPE_INVALID_URL') {
    return problem(
      400,
      'malformed-query',
      'Expected an address of visible ASCII, everything else percent-encoded as UTF-8.',
    );
  }
  return problem(400, 'bad-request', 'Expected an HTTP/1.1 request, got something else.');
}

type Fault = NonNullable<FastifyError['validation']>[number] & { readonly data?: unknown };

const shownFields = 5;
const shownCharacters = 60;

const partNames: Readonly<Record<string, string>> = {
  body: 'in the body',
  querystring: 'in the query string',
  params: 'in the address',
  headers: 'in the headers',
};

/** Describes what a request's schema found wrong, field by field: where, what was expected, what came. */
function describeValidation({ validation = [], validationContext }: FastifyError): string {
  const part = partNames[validationContext ?? ''] ?? '';
  const byField = Map.groupBy(validation as readonly Fault[], fieldOf);
  const sentences = [...byField]
    .slice(0, shownFields)
    .map(([field, faults]) => `${field === '' ? '' : `${field}: `}${describeField(faults)}`);
  const more = byField.size > shownFields ? ` There are ${byField.size - shownFields} more.` : '';
  return `Refused ${part}: ${sentences.join('; ')}.${more}`;
}

function fieldOf({ instancePath, params, keyword }: Fault): string {
  const path = instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const named = keyword === 'required' ? params['missingProperty'] : params['additionalProperty'];
  return (typeof named === 'string' ? [...path, named] : path).join('.').slice(0, shownCharacters);
}

function describeField(faults: readonly Fault[]): string {
  if (faults.some(({ keyword }) => keyword === 'additionalProperties')) return 'this field is not known here';
  if (faults.some(({ keyword }) => keyword === 'required')) return 'expected a value, got none';
  const choices = faults.flatMap(({ keyword, params }) => {
    if (keyword === 'enum') return params['allowedValues'] as readonly string[];
    return keyword === 'const' ? [String(params['allowedValue'])] : [];
  });
  const others = faults.filter(({ keyword }) => !['anyOf', 'const', 'enum'].includes(keyword));
  const wants = others.map(({ message = 'is not right' }) => message.replace(/^must be equal to /, 'must be '));
  if (choices.length > 0) wants.push(`must be one of ${choices.join(', ')}`);
  return `${[...new Set(wants)].join(' or ')}, got ${shown(faults[0]?.data)}`;
}

/** The value on one line of at most about 80 characters. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length <= shownCharacters ? text : `${text.slice(0, shownCharacters)}… (${text.length} characters)`;
}
