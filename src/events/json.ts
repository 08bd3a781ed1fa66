import { isUtf8 } from 'node:buffer';
import type { TSchema } from '@sinclair/typebox';
import type { TypeCheck } from '@sinclair/typebox/compiler';
import { reason, SamsaError } from '../errors.ts';
import { text } from './envelope.ts';

/** Far more than any event of ours has; more is a mistake or an attack. */
const limitBytes = 900_000;
const limitDepth = 64;

/**
 * Parses the JSON of a record's value. A byte order mark before it is skipped.
 * @throws SamsaError `bad-event` unless it is one well-formed JSON document with finite numbers and unique, harmless
 *   keys.
 */
export function parseEventJson(value: Uint8Array): unknown {
  if (value.byteLength > limitBytes) {
    throw new SamsaError('bad-event', `value: expected at most ${limitBytes} bytes, got ${value.byteLength}`);
  }
  if (!isUtf8(value)) throw new SamsaError('bad-event', 'value: expected UTF-8');
  const parsed = parseStrictJson(text(value).replace(/^\uFEFF/, ''));
  if (parsed.problem === undefined) return parsed.value;
  throw new SamsaError('bad-event', `value: ${parsed.problem}`, { cause: parsed.cause });
}

type ParsedJson =
  | { readonly value: unknown; readonly problem?: undefined }
  | { readonly problem: string; readonly cause: unknown };

/** The value of a text, or why it is not such a document. */
export function parseStrictJson(source: string): ParsedJson {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (cause) {
    return { problem: `expected JSON: ${reason(cause)}`, cause };
  }
  try {
    if (countKeys(value) === countWrittenKeys(source)) return { value };
    return { problem: 'a key is written twice', cause: undefined };
  } catch (cause) {
    return { problem: reason(cause), cause };
  }
}

/** The kind of a JSON value in words; for a number also its value. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'string') return value === '' ? 'empty text' : 'text';
  return `a ${typeof value}`;
}

/** Counts the keys of all objects; refuses depth, numbers a double cannot hold, and `__proto__`. */
function countKeys(value: unknown, depth = 0): number {
  if (depth > limitDepth) throw new SamsaError('bad-event', `nested deeper than ${limitDepth}`);
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new SamsaError('bad-event', 'a number is too large');
  }
  if (typeof value !== 'object' || value === null) return 0;
  if (Array.isArray(value)) {
    let count = 0;
    for (const item of value) count += countKeys(item, depth + 1);
    return count;
  }
  let count = 0;
  for (const key in value) {
    if (key === '__proto__') throw new SamsaError('bad-event', 'the key __proto__ is not allowed');
    count += 1 + countKeys((value as Record<string, unknown>)[key], depth + 1);
  }
  return count;
}

/** Outside strings a colon follows only a key, so colons count keys. `JSON.parse` has checked the grammar. */
function countWrittenKeys(source: string): number {
  let count = 0;
  let at = 0;
  while (at < source.length) {
    const code = source.charCodeAt(at);
    if (code === 58) count++;
    at = code === 34 ? endOfString(source, at) : at + 1;
  }
  return count;
}

/** The index after the string that opens at `start`. */
function endOfString(source: string, start: number): number {
  let close = source.indexOf('"', start + 1);
  while (isEscaped(source, close)) close = source.indexOf('"', close + 1);
  return close + 1;
}

function isEscaped(source: string, at: number): boolean {
  let backslashes = 0;
  while (source.charCodeAt(at - 1 - backslashes) === 92) backslashes++;
  return backslashes % 2 === 1;
}

/**
 * Explains why a value does not match its schema: where it differs, what was expected there, and what came.
 * @param whole what the whole value should be.
 */
export function refusedValue(schema: TypeCheck<TSchema>, value: unknown, whole: string): SamsaError {
  const problem = schema.Errors(value).First() ?? { path: '', message: '', value };
  const expected = problem.path === '' ? `expected ${whole}` : problem.message.replace(/^E/, 'e');
  return new SamsaError('bad-event', `value${problem.path}: ${expected}, got ${kindOf(problem.value)}`);
}
