/**
 * The closed list of what can go wrong. A code is a promise to people and programs outside: it appears in problem
 * details, in dead letters and in exit messages, so it is never renamed.
 */
export type ErrorCode =
  | 'already-running'
  | 'bad-configuration'
  | 'bad-event'
  | 'bad-import-file'
  | 'bad-request'
  | 'book-unknown'
  | 'cross-site-request'
  | 'data-folder-unusable'
  | 'dead-letter-unknown'
  | 'log-closed'
  | 'log-unavailable'
  | 'malformed-query'
  | 'operator-only'
  | 'port-in-use'
  | 'query-too-long'
  | 'reader-unknown'
  | 'repeated-parameter'
  | 'shop-unreachable'
  | 'spool-full'
  | 'state-outdated'
  | 'state-too-new'
  | 'store-damaged'
  | 'store-unavailable'
  | 'too-late-to-redrive'
  | 'too-many-requests'
  | 'topic-replaced'
  | 'topic-unknown'
  | 'unknown-query';

/** The one error class. The message says what was expected, what came, and what to do next. */
export class SamsaError extends Error {
  readonly code: ErrorCode;
  /** Whether the same attempt may succeed later without anybody changing anything. */
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SamsaError';
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** The codes that only an event log throws. */
const logCodes: readonly ErrorCode[] = [
  'bad-event',
  'log-closed',
  'log-unavailable',
  'spool-full',
  'topic-replaced',
  'topic-unknown',
];

/** Whether the event log threw it, rather than a store that was used beside it. */
export function isFromLog(error: unknown): boolean {
  return error instanceof SamsaError && logCodes.includes(error.code);
}

/** The message of a caught value, for messages that name their cause. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
