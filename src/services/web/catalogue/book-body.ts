import { Type, type Static } from '@sinclair/typebox';
import { SamsaError } from '../../../errors.ts';
import { BookSchema } from '../../../events/book.ts';
import { bookLimits, oneLine, paragraphs, toLanguage, toPublishedAt } from './book-fields.ts';
import type { BookContent } from './stored-book.ts';
import { toIsbn13 } from '../../../text/authors-and-isbn.ts';
import { isBlank, unseen } from '../../../text/words.ts';

const withoutNul = { pattern: '^[^\\u0000]*$' };

/** @param described the schema that `/openapi.json` shows. `toBookContent` checks it, and sometimes a little more. */
const text = (maxLength: number, described: object = withoutNul) =>
  Type.Optional(Type.Union([Type.String({ maxLength, described }), Type.Null()]));

const contentFields = {
  title: Type.String({
    minLength: 1,
    maxLength: bookLimits.titleLength,
    described: { pattern: `^[^\\u0000]*[^${unseen}][^\\u0000]*$` },
  }),
  author: Type.Optional(Type.String({ maxLength: bookLimits.authorLength, described: withoutNul })),
  published_at: text(40, {
    pattern: '^(|-?[1-9][0-9]{0,3}|[1-9][0-9]{3}-(0[1-9]|1[0-2])(-(0[1-9]|1[0-9]|2[0-8]))?)$',
  }),
  description: text(bookLimits.descriptionLength),
  isbn: text(40, { format: 'isbn' }),
  series: text(bookLimits.seriesLength),
  subjects: Type.Optional(
    Type.Array(Type.String({ maxLength: bookLimits.subjectLength, described: withoutNul }), {
      maxItems: bookLimits.subjects,
    }),
  ),
  language: text(40, { format: 'language-tag' }),
  popularity: Type.Optional(Type.Integer({ minimum: 0, maximum: bookLimits.popularity })),
  other_titles: Type.Optional(
    Type.Array(Type.String({ maxLength: bookLimits.titleLength, described: withoutNul }), {
      maxItems: bookLimits.otherTitles,
    }),
  ),
};

/** What `POST /api/books` takes. */
export const NewBookSchema = Type.Object(contentFields, { additionalProperties: false });

/**
 * What `PUT /api/books/:id` takes: the whole book; what `GET` gave may be sent back, `id` and `created_at` included.
 */
export const ChangedBookSchema = Type.Object(
  {
    ...contentFields,
    id: Type.Optional(Type.Integer({ described: { readOnly: true } })),
    created_at: Type.Optional(Type.String({ maxLength: 40, described: { ...withoutNul, readOnly: true } })),
  },
  { additionalProperties: false },
);

/** What both answer with: the fields of an event, but with the whole description. */
export const WholeBookSchema = Type.Omit(BookSchema, [], { additionalProperties: true });

/**
 * The body as the catalogue keeps it: ISBN-13, canonical language, no stray white space.
 * @throws SamsaError `bad-request` naming the field.
 */
export function toBookContent(body: Static<typeof NewBookSchema>): BookContent {
  const title = oneLine(body.title);
  if (isBlank(title)) throw badField('title', 'a title', body.title);
  return {
    title,
    author: oneLine(body.author ?? ''),
    published_at: parsed('published_at', body.published_at, 'YYYY, YYYY-MM or YYYY-MM-DD', toPublishedAt),
    description: orNull(paragraphs(body.description ?? '')),
    isbn: parsed('isbn', body.isbn, 'an ISBN-10 or ISBN-13 with its check digit', toIsbn13),
    series: orNull(oneLine(body.series ?? '')),
    subjects: uniqueLines(body.subjects),
    language: parsed('language', body.language, 'a language tag such as en or pt-BR', toLanguage),
    popularity: body.popularity ?? 0,
    other_titles: uniqueLines(body.other_titles),
  };
}

function parsed(
  field: string,
  value: string | null | undefined,
  expected: string,
  parse: (text: string) => string | null,
): string | null {
  const given = (value ?? '').trim();
  if (given === '') return null;
  const result = parse(given);
  if (result === null) throw badField(field, expected, given);
  return result;
}

function uniqueLines(texts: readonly string[] = []): readonly string[] {
  return [...new Set(texts.map(oneLine).filter((text) => text !== ''))];
}

function orNull(text: string): string | null {
  return text === '' ? null : text;
}

function badField(field: string, expected: string, got: string): SamsaError {
  return new SamsaError('bad-request', `${field}: expected ${expected}, got ${JSON.stringify(got.slice(0, 40))}.`);
}
