import { Type } from '@sinclair/typebox';
import type { FastifyRequest } from 'fastify';
import { reason, SamsaError } from '../../../errors.ts';
import { type BookChanged } from '../../../events/book-changed.ts';
import { bookIdPattern, listedBook, parseBookId } from '../../../events/book.ts';
import { requireOperator, type Access } from '../../../http/access.ts';
import { requireJson } from '../../../http/read-request.ts';
import type { HttpServer } from '../../../http/route-schemas.ts';
import { ChangedBookSchema, NewBookSchema, toBookContent, WholeBookSchema } from './book-body.ts';
import type { ChangedBook, RemovedBook } from './stored-book.ts';
import type { Catalogue } from './catalogue.ts';

export type CatalogueRoutesDeps = {
  readonly catalogue: Catalogue;
  /** Brings a change into this process's search index, unless a newer version is there. Awaited before the answer. */
  readonly applyAtOnce: (change: BookChanged) => Promise<void>;
  readonly access: Pick<Access, 'isOpenTo' | 'hasOperatorToken'>;
};

/** Room for the longest description, written as JSON escapes. */
const bodyLimitBytes = 256 * 1024;
const security = [{}, { operator: [] }];
const BookIdParams = Type.Object({
  id: Type.String({ description: "a book's number", described: { pattern: bookIdPattern } }),
});

/** `POST /api/books` and `GET`, `PUT`, `DELETE /api/books/:id` (docs/contract.md §2). */
export function catalogueRoutes(server: HttpServer, deps: CatalogueRoutesDeps): void {
  const { catalogue } = deps;
  const operatorOnly = async (request: FastifyRequest): Promise<void> => requireOperator(request, deps.access);
  const changing = { bodyLimit: bodyLimitBytes, onRequest: [operatorOnly, requireJson] };

  server.get(
    '/api/books/:id',
    { schema: { summary: 'A whole book', params: BookIdParams, response: { 200: WholeBookSchema } } },
    async (request) => {
      const id = bookIdOf(request.params.id);
      const book = await catalogue.get(id);
      if (book === null) throw unknownBook(request.params.id);
      return book;
    },
  );

  server.post(
    '/api/books',
    {
      ...changing,
      schema: { summary: 'Add a book', security, body: NewBookSchema, response: { 201: WholeBookSchema } },
    },
    async (request, reply) => {
      const added = await catalogue.add(toBookContent(request.body));
      await applyHere(request, deps, added);
      return reply.code(201).header('location', `/api/books/${added.bookId}`).send(added.book);
    },
  );

  server.put(
    '/api/books/:id',
    {
      ...changing,
      schema: {
        summary: 'Replace a book',
        security,
        params: BookIdParams,
        body: ChangedBookSchema,
        response: { 200: WholeBookSchema },
      },
    },
    async (request) => {
      const id = bookIdOf(request.params.id);
      const { id: named, created_at: _, ...body } = request.body;
      if (named !== undefined && named !== id) {
        throw new SamsaError('bad-request', `id: expected ${id} as in the address, or none, got ${named}.`);
      }
      const changed = await catalogue.change(id, toBookContent(body));
      await applyHere(request, deps, changed);
      return changed.book;
    },
  );

  server.delete(
    '/api/books/:id',
    {
      onRequest: operatorOnly,
      schema: { summary: 'Remove a book', security, params: BookIdParams, response: { 204: Type.Null() } },
    },
    async (request, reply) => {
      await applyHere(request, deps, await catalogue.change(bookIdOf(request.params.id), null));
      return reply.code(204).send(null);
    },
  );
}

/** The catalogue has stored the change already. If the index is unavailable, the log brings the change there later. */
async function applyHere(
  request: FastifyRequest,
  { applyAtOnce }: CatalogueRoutesDeps,
  { bookId, version, book }: ChangedBook | RemovedBook,
): Promise<void> {
  try {
    await applyAtOnce({ bookId, version, book: book === null ? null : listedBook(book) });
  } catch (error) {
    request.log.warn({ bookId, error: reason(error) }, 'the search index gets this change from the log');
  }
}

function bookIdOf(text: string): number {
  const id = parseBookId(text);
  if (id === null) throw unknownBook(text);
  return id;
}

function unknownBook(id: string): SamsaError {
  return new SamsaError('book-unknown', `There is no book ${JSON.stringify(id.slice(0, 40))}.`);
}
