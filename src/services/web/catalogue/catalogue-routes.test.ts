import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openTestAccess, openTestServer } from '../../../../test/support/open-test-server.ts';
import { makeTemporaryFolder } from '../../../../test/support/temporary-folder.ts';
import { SamsaError } from '../../../errors.ts';
import type { BookChanged } from '../../../events/book-changed.ts';
import type { HttpServer } from '../../../http/route-schemas.ts';
import { catalogueRoutes, type CatalogueRoutesDeps } from './catalogue-routes.ts';
import { openSqliteCatalogue } from './store/sqlite/catalogue.ts';

const clock = (): number => Date.parse('2026-01-02T03:04:05Z');

type Shop = { readonly server: HttpServer; readonly applied: BookChanged[] };

const gatsby = {
  title: 'The Great Gatsby',
  author: 'F. Scott Fitzgerald',
  published_at: '1925',
  description: 'Parties.',
};

function test(name: string, body: (shop: Shop) => Promise<void>, overrides: Partial<CatalogueRoutesDeps> = {}): void {
  it(name, async () => {
    const folder = makeTemporaryFolder();
    const open = openSqliteCatalogue(join(folder, 'catalogue.sqlite'), { clock, busyTimeoutMs: 10 });
    const server = await openTestServer();
    const applied: BookChanged[] = [];
    const applyAtOnce = async (change: BookChanged): Promise<void> => void applied.push(change);
    catalogueRoutes(server, {
      catalogue: open.catalogue,
      applyAtOnce,
      access: openTestAccess(),
      ...overrides,
    });
    try {
      await body({ server, applied });
    } finally {
      await server.close();
      await open.close();
    }
  });
}

type Answer = { readonly status: number; readonly body: Record<string, unknown>; readonly location: unknown };

async function send(
  server: HttpServer,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  payload?: object | string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await server.inject({
    method,
    url,
    headers: {
      host: 'localhost:8080',
      ...(payload !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(payload !== undefined && { payload }),
  });
  const body = response.body === '' ? {} : response.json<Record<string, unknown>>();
  return { status: response.statusCode, body, location: response.headers.location };
}

describe('the catalogue over HTTP', () => {
  test('adds a book and gives it back, after this node can find it', async ({ server, applied }) => {
    const added = await send(server, 'POST', '/api/books', {
      ...gatsby,
      isbn: '0-7432-7356-7',
      subjects: ['Love', 'Love'],
    });
    assert.deepEqual([added.status, added.location], [201, '/api/books/1']);
    const expected = {
      id: 1,
      ...gatsby,
      created_at: '2026-01-02T03:04:05Z',
      isbn: '9780743273565',
      subjects: ['Love'],
      popularity: 0,
    };
    assert.deepEqual(added.body, expected);
    assert.deepEqual((await send(server, 'GET', '/api/books/1')).body, expected);
    assert.deepEqual(applied, [{ bookId: 1, version: 1, book: expected }]);
  });

  test('gives the whole description, and the index what lists show', async ({ server, applied }) => {
    const description = 'x'.repeat(20_000);
    const { status } = await send(server, 'POST', '/api/books', { ...gatsby, description });
    assert.equal(status, 201);
    assert.equal((await send(server, 'GET', '/api/books/1')).body['description'], description);
    assert.equal(applied[0]?.book?.description?.length, 300);
  });

  test('changes a book, also by what it gave itself', async ({ server, applied }) => {
    const { body } = await send(server, 'POST', '/api/books', gatsby);
    const changed = await send(server, 'PUT', '/api/books/1', { ...body, title: 'Trimalchio' });
    assert.deepEqual([changed.status, changed.body['title']], [200, 'Trimalchio']);
    assert.equal(applied.at(-1)?.version, 2);
    const other = await send(server, 'PUT', '/api/books/1', { ...body, id: 2 });
    assert.deepEqual([other.status, other.body['code']], [400, 'bad-request']);
  });

  test('removes a book', async ({ server, applied }) => {
    await send(server, 'POST', '/api/books', gatsby);
    assert.equal((await send(server, 'DELETE', '/api/books/1')).status, 204);
    assert.deepEqual(applied.at(-1), { bookId: 1, version: 2, book: null });
    for (const method of ['GET', 'DELETE'] as const) {
      const { status, body } = await send(server, method, '/api/books/1');
      assert.deepEqual([status, body['code']], [404, 'book-unknown']);
    }
    assert.equal((await send(server, 'PUT', '/api/books/1', gatsby)).status, 404);
  });

  test('finds no book under an address that is not an id', async ({ server }) => {
    for (const id of ['abc', '0', '-1', '1e3', '1.0', '01', '9'.repeat(16), '9'.repeat(90), '%20', "1'--"]) {
      const { status, body } = await send(server, 'GET', `/api/books/${id}`);
      assert.deepEqual([status, body['code']], [404, 'book-unknown'], id);
      assert.equal((await send(server, 'DELETE', `/api/books/${id}`)).status, 404, id);
    }
  });

  test('refuses bad fields by name', async ({ server }) => {
    const refused = async (field: string, value: unknown): Promise<void> => {
      const { status, body } = await send(server, 'POST', '/api/books', { ...gatsby, [field]: value });
      assert.equal(status, 400, field);
      assert.match(String(body['detail']), new RegExp(field));
    };
    await refused('title', '');
    await refused('title', ' \u0000 ');
    await refused('title', '\u200B');
    await refused('title', 'x'.repeat(501));
    await refused('title', 17);
    await refused('author', 'x'.repeat(301));
    await refused('published_at', '1925-02-30');
    await refused('published_at', 1925);
    await refused('description', 'x'.repeat(20_001));
    await refused('isbn', '9780743273566');
    await refused('subjects', Array.from({ length: 21 }, String));
    await refused('subjects', ['x'.repeat(81)]);
    await refused('language', 'English');
    await refused('popularity', -1);
    await refused('popularity', 1.5);
    await refused('titel', 'x');
    await refused('id', 17);
  });

  test('refuses bodies that are no JSON object', async ({ server }) => {
    for (const payload of ['{', '[]', 'null', '"x"', '{"title":']) {
      assert.equal((await send(server, 'POST', '/api/books', payload)).status, 400, payload);
    }
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    assert.equal((await send(server, 'POST', '/api/books', 'title=x', form)).status, 415);
    assert.equal((await send(server, 'POST', '/api/books')).status, 415);
    assert.equal(
      (await send(server, 'POST', '/api/books', { ...gatsby, description: 'x'.repeat(600_000) })).status,
      413,
    );
  });

  test('lets everybody read and only the operator write', async ({ server }) => {
    const evil = { host: 'evil.example' };
    const refused = await send(server, 'POST', '/api/books', gatsby, evil);
    assert.deepEqual([refused.status, refused.body['code']], [403, 'operator-only']);
    await send(server, 'POST', '/api/books', gatsby);
    assert.equal((await send(server, 'GET', '/api/books/1', undefined, evil)).status, 200);
    assert.equal((await send(server, 'DELETE', '/api/books/1', undefined, evil)).status, 403);
  });

  test(
    'wants the operator token where one is configured',
    async ({ server }) => {
      assert.equal((await send(server, 'POST', '/api/books', gatsby)).status, 403);
      const token = { authorization: 'Bearer s3cret' };
      assert.equal((await send(server, 'POST', '/api/books', gatsby, token)).status, 201);
    },
    { access: openTestAccess({ operatorToken: 's3cret' }) },
  );

  test(
    'keeps a change whose way into the index is blocked',
    async ({ server }) => {
      assert.equal((await send(server, 'POST', '/api/books', gatsby)).status, 201);
      assert.equal((await send(server, 'GET', '/api/books/1')).status, 200);
    },
    { applyAtOnce: async () => Promise.reject(new SamsaError('store-unavailable', 'away', { retryable: true })) },
  );

  test('describes itself', async ({ server }) => {
    const { status, body } = await send(server, 'GET', '/openapi.json');
    assert.equal(status, 200);
    assert.ok(Object.keys(body['paths'] as object).includes('/api/books/{id}'));
  });
});
