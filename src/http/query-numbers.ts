import type { preValidationHookHandler, RouteOptions } from 'fastify';

/** Digits that a double holds exactly; anything else stays text, for the schema to refuse. */
const decimal = /^-?\d{1,15}(?:\.\d{1,15})?$/;

type Fields = readonly string[];

/**
 * Makes the numbers that a route's schema asks for in its query string and path out of the text they come as. Nothing
 * else is ever coerced; bodies keep the types they have.
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
