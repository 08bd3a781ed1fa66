import type { TSchema } from '@sinclair/typebox';
import type { TypeCheck } from '@sinclair/typebox/compiler';
import { SamsaError } from '../errors.ts';
import { kindOf } from './json.ts';

/**
 * Why a value that its schema refuses is no event: where it differs, what was expected there, and what kind of thing came.
 * @param whole what the value as a whole should have been.
 */
export function refusedValue(schema: TypeCheck<TSchema>, value: unknown, whole: string): SamsaError {
  const problem = schema.Errors(value).First() ?? { path: '', message: '', value };
  const expected = problem.path === '' ? `expected ${whole}` : problem.message.replace(/^E/, 'e');
  return new SamsaError('bad-event', `value${problem.path}: ${expected}, got ${kindOf(problem.value)}`);
}
