import type { FastifyError } from 'fastify';

type Fault = NonNullable<FastifyError['validation']>[number] & { readonly data?: unknown };

const shownFields = 5;
const shownCharacters = 60;

const places: Readonly<Record<string, string>> = {
  body: 'in the body',
  querystring: 'in the query string',
  params: 'in the address',
  headers: 'in the headers',
};

/** Describes what a request's schema found wrong, field by field: where, what was expected, what came. */
export function describeValidation({ validation = [], validationContext }: FastifyError): string {
  const place = places[validationContext ?? ''] ?? '';
  const byField = Map.groupBy(validation as readonly Fault[], fieldOf);
  const sentences = [...byField]
    .slice(0, shownFields)
    .map(([field, faults]) => `${field === '' ? 'value' : field}: ${describeField(faults)}`);
  const more = byField.size > shownFields ? ` There are ${byField.size - shownFields} more.` : '';
  return `Refused ${place}: ${sentences.join('; ')}.${more}`;
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
  const choices = faults.flatMap(({ keyword, params }) =>
    keyword === 'const' ? [String(params['allowedValue'])] : [],
  );
  const others = faults.filter(({ keyword }) => keyword !== 'anyOf' && keyword !== 'const');
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
