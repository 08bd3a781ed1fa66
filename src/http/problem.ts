import { STATUS_CODES } from 'node:http';
import type { FastifyError } from 'fastify';
import { SamsaError, type ErrorCode } from '../errors.ts';
import { describeValidation } from './describe-validation.ts';

/** A failure as RFC 9457 tells it, with a stable `code` of ours. */
export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  /** A sentence for people: what was expected, what came. */
  readonly detail: string;
  readonly retryAfterSeconds?: number;
};

/** Codes a route may throw, and what they mean to a client; any other is our fault, and none of the client's business. */
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
  'unknown-query': 404,
};

/** Refusals by Fastify, its plugins and Node, told by status. */
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

const away = 'The shop cannot do this right now. Try again in a moment.';

export function problem(status: number, code: string, detail: string): Problem {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, code, detail };
}

/** Any thrown value as a problem; details of what broke inside never leave the process. */
export function problemOf(error: unknown): Problem {
  if (error instanceof SamsaError) {
    const status = statuses[error.code];
    if (status === undefined) return internal();
    if (status < 500) return problem(status, error.code, error.message);
    return { ...problem(status, error.code, away), retryAfterSeconds: 1 };
  }
  if (!(error instanceof Error)) return internal();
  const { code: thrown, statusCode, validation, message } = error as FastifyError;
  if (validation !== undefined) return problem(400, 'bad-request', describeValidation(error as FastifyError));
  if (thrown === 'FST_ERR_BAD_URL') {
    return problem(400, 'malformed-query', 'Expected a path of percent-encoded UTF-8 text, got something else.');
  }
  const code = frameworkCodes[statusCode ?? 500];
  return code === undefined ? internal() : problem(statusCode!, code, message);
}

/** What a request gets that arrives while the service stops. */
export function stoppingProblem(): Problem {
  return { ...problem(503, 'stopping', 'This service is stopping. Try again in a moment.'), retryAfterSeconds: 1 };
}

function internal(): Problem {
  return problem(500, 'internal-error', 'Something broke inside the shop. It has been written down.');
}
