import assert from 'node:assert/strict';
import type { InjectOptions } from 'fastify';
import { describe, it, type TestContext } from 'node:test';
import { openTestAccess, openTestServer } from '../../../../test/support/open-test-server.ts';
import { SamsaError } from '../../../errors.ts';
import { createReaderSigner } from '../../../http/signed-reader.ts';
import { actionRoutes, type BookAction } from './action-routes.ts';
import { createReaderIdentity } from './reader-identity.ts';

const secret = 'a secret of this test';
const emma = { id: 17, title: 'Emma', author: 'Jane Austen' };

type Recorded = BookAction & { readonly reader: string };

/** A server with one book; `recorded` is what reached the log. */
async function openActions(test: TestContext, options: { logIsDown?: boolean } = {}) {
  const server = await openTestServer();
  const recorded: Recorded[] = [];
  actionRoutes(server, {
    identify: createReaderIdentity({
      signer: createReaderSigner(secret, Date.now),
      secret,
      clock: () => 0,
      access: openTestAccess(),
      mostNewReaders: () => 0,
    }),
    lookupBook: (id) => (id === emma.id ? emma : null),
    recordAction: async (reader, action) => {
      if (options.logIsDown === true) throw new SamsaError('store-unavailable', 'disk full', { retryable: true });
      recorded.push({ reader, ...action });
    },
  });
  test.after(() => server.close());
  const post = (request: InjectOptions) => server.inject({ method: 'POST', url: '/api/books/17/actions', ...request });
  const postForm = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
    post({
      payload: new URLSearchParams(fields).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    });
  return { post, postForm, recorded };
}

describe('actions on books', () => {
  it('takes one as JSON, under the name of the reader in the cookie', async (test) => {
    const { post, recorded } = await openActions(test);
    const signer = createReaderSigner(secret, Date.now);
    const reader = signer.mint();
    const answer = await post({
      payload: { action: 'wanted', query: 'austen', position: 3 },
      headers: { cookie: `uid=${signer.sign(reader)}` },
    });
    assert.equal(answer.statusCode, 202);
    assert.deepEqual(answer.json(), { book_id: 17, action: 'wanted' });
    assert.deepEqual(recorded, [{ reader, action: 'wanted', book_id: 17, query: 'austen', position: 3 }]);
  });

  it('takes one as a form and redirects back to the page it came from', async (test) => {
    const { postForm, recorded } = await openActions(test);
    const answer = await postForm({ action: 'dismissed', position: '2', back: '/?q=jane+austen' });
    assert.deepEqual([answer.statusCode, answer.headers.location], [303, '/?q=jane+austen&done=dismissed']);
    assert.deepEqual(
      recorded.map(({ action, position }) => ({ action, position })),
      [{ action: 'dismissed', position: 2 }],
    );
  });

  it('never redirects to another site, whatever the form says', async (test) => {
    const { postForm } = await openActions(test);
    for (const back of [
      '//evil.test/',
      '/\\evil.test',
      '/.//evil.test',
      '/a/../..//evil.test',
      'https://evil.test/',
      '/\t/evil.test',
      'javascript:alert(1)',
      '',
    ]) {
      assert.equal((await postForm({ action: 'wanted', back })).headers.location, '/?done=wanted', back);
    }
  });

  it('refuses what a page of another site made the browser send', async (test) => {
    const { postForm, recorded } = await openActions(test);
    const foreign = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site', origin: 'http://shop.test:8080' },
      { origin: 'https://evil.test' },
      { origin: 'null' },
    ];
    for (const headers of foreign) {
      const answer = await postForm({ action: 'wanted' }, headers);
      assert.deepEqual([answer.statusCode, answer.json<{ code: string }>().code], [403, 'cross-site-request']);
    }
    assert.equal(recorded.length, 0);
    for (const [host, origin] of [
      ['shop.test:8080', 'http://shop.test:8080'],
      ['shop.test:80', 'http://shop.test'],
      ['shop.test', 'http://shop.test:80'],
      ['shop.test:443', 'https://shop.test'],
    ] as const) {
      assert.equal((await postForm({ action: 'wanted' }, { host, origin })).statusCode, 303, host);
    }
  });

  it('refuses actions it does not know, `forgotten`, unknown fields and wrong types', async (test) => {
    const { post, recorded } = await openActions(test);
    const bodies = [
      { action: 'burned' },
      { action: 'forgotten' },
      {},
      { action: 'wanted', odd: 1 },
      { action: 'wanted', position: '3' },
      { action: 'wanted', position: 0 },
      { action: 'wanted', query: ' ' },
      { action: 'wanted', query: 'a\u0000b' },
    ];
    for (const payload of bodies) {
      assert.equal((await post({ payload })).statusCode, 400, JSON.stringify(payload));
    }
    assert.equal((await post({ payload: 'wanted', headers: { 'content-type': 'text/plain' } })).statusCode, 415);
    assert.equal((await post({})).statusCode, 415);
    assert.equal(recorded.length, 0);
  });

  it('refuses a book that does not exist', async (test) => {
    const { post } = await openActions(test);
    const answer = await post({ url: '/api/books/18/actions', payload: { action: 'wanted' } });
    assert.deepEqual([answer.statusCode, answer.json<{ code: string }>().code], [404, 'book-unknown']);
    assert.equal((await post({ url: '/api/books/0x11/actions', payload: { action: 'wanted' } })).statusCode, 400);
  });

  it('does not say it was done while the log cannot take it', async (test) => {
    const { post } = await openActions(test, { logIsDown: true });
    const answer = await post({ payload: { action: 'wanted' } });
    assert.deepEqual([answer.statusCode, answer.headers['retry-after']], [503, '1']);
  });
});
