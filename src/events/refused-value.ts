import type { TSchema } from '@sinclair/typebox';
import type { TypeCheck } from '@sinclair/typebox/compiler';
import { SamsaError } from '../errors.ts';
import { kindOf } from './json.ts';

/**
 * Explains why a value does not match its schema: where it differs, what was expected there, and what came.
 * @param whole what the whole value should be.
 */
export function refusedValue(schema: TypeCheck<TSchema>, value: unknown, whole: string): SamsaError {
  const problem = schema.Errors(value).First() ?? { path: '', message: '', value };
  const expected = problem.path === '' ? `expected ${whole}` : problem.message.replace(/^E/, 'e');
  return new SamsaError('bad-event', `value${problem.path}: ${expected}, got ${kindOf(problem.value)}`);
}
