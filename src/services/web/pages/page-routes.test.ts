import assert from 'node:assert/strict';
import type { InjectOptions } from 'fastify';
import { describe, it, type TestContext } from 'node:test';
import { openTestAccess, openTestServer } from '../../../../test/support/open-test-server.ts';
import type { Book } from '../../../events/book.ts';
import { createReaderSigner } from '../../../http/signed-reader.ts';
import { loadAssets } from '../assets/assets.ts';
import type { BookAction } from '../readers/action-routes.ts';
import { createLastSearch } from './panels.ts';
import { createReaderIdentity } from '../readers/reader-identity.ts';
import type { Recommendation, RemoteAnswer, Trend } from '../remote-services.ts';
import { pageRoutes, type ShownAnswer } from './page-routes.ts';
import { createProblemPages } from './layout.ts';

const secret = 'a secret of this test';
const emma: Book = {
  id: 17,
  title: 'Emma',
  author: 'Jane Austen',
  published_at: '1815',
  description: `${'A clever young woman arranges hearts. '.repeat(20)}\n\nThe end.`,
  subjects: ['Courtship'],
};
const persuasion: Book = { id: 18, title: 'Persuasion', author: 'Jane Austen' };
const trap: Book = { id: 19, title: '<script>alert(1)</script>', author: '" onload="x' };

type Search = { query: string; reader: string; weight: 0 | 1; offset: number; limit: number; record: boolean };

type Staging = {
  found?: readonly Book[];
  answer?: Partial<ShownAnswer>;
  trends?: RemoteAnswer<Trend>;
  recommendations?: RemoteAnswer<Recommendation>;
};

const html = { accept: 'text/html' };

/** The pages over a staged shop. `searches` and `actions` are what was asked of it, `asReader` brings a cookie. */
async function openPages(test: TestContext, staging: Staging = {}) {
  const assets = loadAssets();
  const server = await openTestServer({ showProblem: createProblemPages(assets) });
  const searches: Search[] = [];
  const actions: (BookAction & { reader: string })[] = [];
  const askedFor: string[] = [];
  const signer = createReaderSigner(secret, Date.now);
  pageRoutes(server, {
    assets,
    pageSize: 2,
    clock: () => 1_000,
    identify: createReaderIdentity({
      signer,
      secret,
      clock: () => 1_000,
      access: openTestAccess(),
      mostNewReaders: () => 0,
    }),
    weigh: () => 1,
    lastSearch: createLastSearch(() => 1_000),
    lookupBook: (id) => [emma, persuasion, trap].find((book) => book.id === id) ?? null,
    recordAction: async (reader, action) => void actions.push({ reader, ...action }),
    answerSearch: async (query, { id, weight }, options) => {
      searches.push({ query, reader: id, weight, ...options });
      const { found: books = query === '' ? [emma, trap] : [emma, persuasion] } = staging;
      return { books: () => books, total: 2, totalIsExact: true, dropped: [], corrected: null, ...staging.answer };
    },
    remote: {
      trends: async () => staging.trends ?? { ok: true, items: [] },
      recommendations: async (reader) => {
        askedFor.push(reader);
        return staging.recommendations ?? { ok: true, items: [] };
      },
    },
  });
  test.after(() => server.close());
  const reader = signer.mint();
  const cookie = `uid=${signer.sign(reader)}`;
  const asReader = (url: string, request: InjectOptions = {}) =>
    server.inject({ url, ...request, headers: { ...html, cookie, ...request.headers } });
  const asStranger = (url: string) => server.inject({ url, headers: html });
  return { server, reader, asReader, asStranger, searches, actions, askedFor };
}

function trend(query: string, overrides: Partial<Trend> = {}): Trend {
  return { query, kind: 'popular', readers: 5, searches: 9, hourly: [0, 1, 4], ...overrides };
}

function textOf(markup: string): string {
  return markup.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');
}

describe('start page', () => {
  it('shows the most popular books and both panels, and sends no search', async (test) => {
    const { asReader, searches } = await openPages(test, { trends: { ok: true, items: [trend('dune')] } });
    const answer = await asReader('/');
    assert.equal(answer.statusCode, 200);
    for (const part of [
      'href="/books/17"',
      'What readers are searching for',
      'dune',
      '5 readers',
      'What you might read next',
    ]) {
      assert.ok(answer.body.includes(part), part);
    }
    assert.equal((await asReader('/?q=+%E2%80%8B')).statusCode, 200, 'a zero-width space is no query');
    assert.deepEqual(
      searches.map(({ query, record }) => [query, record]),
      [
        ['', false],
        ['', false],
      ],
    );
  });

  it('allows nothing inline and nothing from other sites', async (test) => {
    const { asReader } = await openPages(test);
    const { headers, body } = await asReader('/?q=emma');
    assert.match(
      String(headers['content-security-policy']),
      /^default-src 'none'; script-src 'self'; style-src 'self';/,
    );
    assert.match(String(headers['content-security-policy']), /frame-ancestors 'none'/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.doesNotMatch(body, /<style|style="|\son\w+=|<script(?! type="module" src="\/assets\/)/);
    const elsewhere = [...body.matchAll(/(?:src|href|action)="([^"]*)"/g)].filter(
      ([, url]) => !/^[/#]/.test(url ?? ''),
    );
    assert.deepEqual(elsewhere, []);
  });

  it('gives a new client its cookie', async (test) => {
    const { asStranger } = await openPages(test);
    assert.match(String((await asStranger('/')).headers['set-cookie']), /^uid=/);
  });
});

describe('results page', () => {
  it('sends exactly one search, trimmed, in the name of the reader', async (test) => {
    const { asReader, searches, reader } = await openPages(test);
    const answer = await asReader('/?q=+jane+austen+');
    assert.deepEqual(searches, [
      { query: 'jane austen', reader, weight: 1, offset: 0, limit: 2, record: true, exact: false },
    ]);
    assert.match(answer.body, /2 books for/);
    assert.ok(answer.body.includes('href="/books/18?from=jane+austen&amp;position=2"'));
  });

  it('sends no search for later pages, HEAD, prefetching, or coming back from a form', async (test) => {
    const { asReader, searches } = await openPages(test);
    await asReader('/?q=emma&o=2');
    await asReader('/?q=emma', { method: 'HEAD' });
    await asReader('/?q=emma', { headers: { 'sec-purpose': 'prefetch;prerender' } });
    await asReader('/?q=emma', { headers: { purpose: 'prefetch' } });
    await asReader('/?q=emma', { headers: { 'x-purpose': 'preview' } });
    await asReader('/?q=emma', { headers: { 'x-moz': 'prefetch' } });
    await asReader('/?q=emma&done=dismissed');
    assert.equal(searches.length, 7);
    assert.ok(searches.every(({ record }) => !record));
  });

  it('sends a search for a page that a reader sees, not for an image or a frame', async (test) => {
    const { asReader, searches } = await openPages(test);
    const shown: [site: string, dest: string][] = [
      ['none', 'document'],
      ['same-origin', 'document'],
      ['same-origin', 'empty'],
      ['cross-site', 'document'],
      ['cross-site', 'image'],
      ['cross-site', 'iframe'],
      ['cross-site', 'empty'],
      ['same-site', 'script'],
      ['same-origin', 'iframe'],
    ];
    for (const [site, dest] of shown) {
      await asReader('/?q=emma', { headers: { 'sec-fetch-site': site, 'sec-fetch-dest': dest } });
    }
    assert.deepEqual(
      searches.map(({ record }) => record),
      [true, true, true, true, false, false, false, false, false],
    );
  });

  it('links to the pages before and after', async (test) => {
    const { asReader } = await openPages(test, { answer: { total: 5 } });
    const first = (await asReader('/?q=emma')).body;
    assert.ok(first.includes('rel="next" href="/?q=emma&amp;o=2"') && !first.includes('rel="prev"'));
    const middle = (await asReader('/?q=emma&o=2')).body;
    assert.ok(middle.includes('rel="next" href="/?q=emma&amp;o=4"') && middle.includes('rel="prev" href="/?q=emma"'));
    const beyond = await asReader('/?q=emma&o=4');
    assert.ok(!beyond.body.includes('rel="next"'));
  });

  it('says which words no book has, and which spelling was searched instead', async (test) => {
    const dropped = await openPages(test, { answer: { dropped: ['zebra'] } });
    assert.match(
      textOf((await dropped.asReader('/?q=emma+zebra')).body),
      /No book has all of emma zebra \. Left out: zebra/,
    );
    const corrected = await openPages(test, { answer: { corrected: 'emma' } });
    assert.match(textOf((await corrected.asReader('/?q=emna')).body), /results for emma/);
  });

  it('shows by which other title a book was found, an original title or a subtitle alike', async (test) => {
    const found = [{ ...emma, other_titles: ['A Novel of Highbury', 'Emma oder die Verkupplerin'] }];
    const { asReader } = await openPages(test, { found });
    assert.match(textOf((await asReader('/?q=highbury')).body), /Also known as A Novel of Highbury/);
    assert.match(textOf((await asReader('/?q=verkupplerin')).body), /Also known as Emma oder die Verkupplerin/);
    assert.doesNotMatch((await asReader('/?q=emma')).body, /Also known as/);
  });

  it('says so when nothing is found', async (test) => {
    const { asReader } = await openPages(test, { found: [], answer: { total: 0 } });
    const answer = await asReader('/?q=zebra');
    assert.equal(answer.statusCode, 200);
    assert.match(textOf(answer.body), /No book found for zebra/);
  });

  it('keeps markup in queries and in books harmless', async (test) => {
    const { asReader } = await openPages(test, { found: [trap], answer: { dropped: ['<b>'] } });
    const { body } = await asReader(`/?q=${encodeURIComponent('"><script>alert(1)</script>')}`);
    assert.doesNotMatch(body, /<script>|<b>|" onload="/);
  });

  it('answers a bad address with a page of 400 for a reader, and a problem for a program', async (test) => {
    const { server, asReader, searches } = await openPages(test);
    for (const url of [`/?q=${'x'.repeat(201)}`, '/?q=a&q=b', '/?q=a&o=-1', '/?q=a&o=1e9', '/?q=%ff', '/?q=a%00']) {
      const page = await asReader(url);
      assert.deepEqual([page.statusCode, page.headers['content-type']], [400, 'text/html; charset=utf-8'], url);
      assert.match(page.body, /did not understand this request/);
      const problem = await server.inject(url);
      assert.equal(problem.statusCode, 400);
      assert.match(String(problem.headers['content-type']), /^application\/problem\+json/);
    }
    assert.equal((await asReader(`/?q=${'x'.repeat(200)}`)).statusCode, 200);
    assert.equal(searches.length, 1);
  });

  it('tells crawlers to leave searches alone', async (test) => {
    const { server } = await openPages(test);
    const { statusCode, headers, body } = await server.inject('/robots.txt');
    assert.deepEqual([statusCode, headers['content-type']], [200, 'text/plain; charset=utf-8']);
    assert.match(body, /^User-agent: \*\n(?:Disallow: .*\n)*Disallow: \/\?\n/);
  });
});

describe('panel of searches', () => {
  it("begins with the reader's own search, before anybody has counted it", async (test) => {
    const { asReader } = await openPages(test, { trends: { ok: true, items: [trend('dune')] } });
    const { body } = await asReader('/?q=emma');
    assert.match(textOf(body), /searching for emma you, just now · found Emma dune 5 readers/);
    assert.match(textOf((await asReader('/fragments/trends')).body), /emma you, just now · found Emma dune/);
  });

  it('shows that search once when others are searching for it too', async (test) => {
    const items = [trend('dune'), trend('emma', { kind: 'rising', readers: 7 })];
    const { asReader } = await openPages(test, { trends: { ok: true, items } });
    assert.match(
      textOf((await asReader('/?q=Emma')).body),
      /searching for Emma you, just now · 7 readers dune 5 readers What/,
    );
  });

  it('recognises that search by the words that count, however they are spelt', async (test) => {
    const { asReader } = await openPages(test, { trends: { ok: true, items: [trend('jo nesbo')] } });
    assert.match(textOf((await asReader('/?q=Jo+Nesb%C3%B8')).body), /Jo Nesbø you, just now · 5 readers What/);
  });

  it('never shows what another reader searched, not even at the same address', async (test) => {
    const { asStranger, asReader, askedFor } = await openPages(test);
    await asStranger('/?q=emma');
    await asReader('/?q=emma');
    const stranger = await asStranger('/');
    assert.doesNotMatch(stranger.body, /just now/);
    const cookieId = /^uid=([\w-]+)\./.exec(String(stranger.headers['set-cookie']))?.[1];
    assert.equal(askedFor.at(-1), cookieId);
  });

  it('marks what is rising', async (test) => {
    const { asReader } = await openPages(test, { trends: { ok: true, items: [trend('dune', { kind: 'rising' })] } });
    assert.match(textOf((await asReader('/fragments/trends')).body), /dune rising · 5 readers/);
  });

  it('says so when trend or recommendation is away, and searching works as always', async (test) => {
    const { asReader } = await openPages(test, {
      trends: { ok: false, reason: 'away' },
      recommendations: { ok: false, reason: 'slow' },
    });
    const answer = await asReader('/?q=emma');
    assert.equal(answer.statusCode, 200);
    assert.match(
      textOf(answer.body),
      /2 books for emma .* you, just now .* not available right now.* not available right now/,
    );
  });

  it('says so when counting is behind', async (test) => {
    const items = [trend('dune', { as_of: new Date(1_000 - 42_000).toISOString() })];
    const { asReader } = await openPages(test, { trends: { ok: true, items } });
    assert.match(textOf((await asReader('/')).body), /Counting is 42 seconds behind/);
  });
});

describe('panel of recommendations', () => {
  it('shows each book with its reason and a button to dismiss it', async (test) => {
    const reasons = [{ kind: 'opened', text: 'because you opened Persuasion' }];
    const items = [{ book_id: 17, title: 'Emma', author: 'Jane Austen', reasons }];
    const { asReader } = await openPages(test, { recommendations: { ok: true, items } });
    const { body } = await asReader('/fragments/recommendations?back=%2F%3Fq%3Demma');
    assert.match(textOf(body), /Emma Jane Austen because you opened Persuasion/);
    assert.match(body, /action="\/api\/books\/17\/actions"/);
    assert.match(body, /name="back" value="\/\?q=emma"/);
    assert.match((await asReader('/fragments/recommendations?back=//evil.test')).body, /name="back" value="\/"/);
  });
});

describe('book page', () => {
  it('shows the whole description, the subjects as searches, and more by the author', async (test) => {
    const { asReader, searches } = await openPages(test);
    const { statusCode, body } = await asReader('/books/17');
    assert.equal(statusCode, 200);
    assert.ok(body.includes('The end.') && body.includes('href="/?q=Courtship"'));
    assert.match(textOf(body), /More by Jane Austen Persuasion/);
    assert.ok(searches.every(({ record }) => !record));
  });

  it('counts as opened, or as chosen when the reader comes from results', async (test) => {
    const { asReader, actions, reader } = await openPages(test);
    await asReader('/books/17');
    await asReader('/books/17?from=austen&position=2');
    assert.deepEqual(actions, [
      { reader, action: 'opened', book_id: 17 },
      { reader, action: 'chosen', book_id: 17, query: 'austen', position: 2 },
    ]);
  });

  it('is not recorded as chosen when another site led the reader there', async (test) => {
    const { asReader, actions, reader } = await openPages(test);
    const from = (site: string, dest = 'document') =>
      asReader('/books/17?from=austen&position=2', { headers: { 'sec-fetch-site': site, 'sec-fetch-dest': dest } });
    await from('cross-site');
    await from('none');
    await from('cross-site', 'image');
    await from('same-origin');
    await asReader('/books/17?from=austen&position=0');
    assert.deepEqual(actions, [
      { reader, action: 'opened', book_id: 17 },
      { reader, action: 'opened', book_id: 17 },
      { reader, action: 'chosen', book_id: 17, query: 'austen', position: 2 },
      { reader, action: 'opened', book_id: 17 },
    ]);
  });

  it('is not recorded for HEAD, prefetching, or coming back from a form', async (test) => {
    const { asReader, actions } = await openPages(test);
    await asReader('/books/17', { method: 'HEAD' });
    await asReader('/books/17', { headers: { 'sec-purpose': 'prefetch' } });
    const answer = await asReader('/books/17?done=wanted');
    assert.match(textOf(answer.body), /Noted: you want to read this\. Take it back/);
    assert.deepEqual(actions, []);
  });

  it('answers 404 with a page when there is no such book', async (test) => {
    const { asReader, actions } = await openPages(test);
    for (const url of ['/books/404', '/books/0', '/books/emma', '/books/17.0', '/nothing/here']) {
      const answer = await asReader(url);
      assert.equal(answer.statusCode, 404, url);
      assert.match(answer.body, /Page not found/);
    }
    assert.deepEqual(actions, []);
  });
});

describe('assets', () => {
  it('are kept for ever under the hash of their content, and small', async (test) => {
    const { server, asReader } = await openPages(test);
    const urls = [...(await asReader('/')).body.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, url]) => url ?? '');
    assert.equal(urls.length, 3);
    for (const url of urls) {
      const asset = await server.inject(url);
      assert.equal(asset.headers['cache-control'], 'public, max-age=31536000, immutable');
      assert.ok(url.endsWith('.css') || asset.rawPayload.byteLength < 25_000);
      const again = await server.inject({ url, headers: { 'if-none-match': String(asset.headers.etag) } });
      assert.deepEqual([again.statusCode, again.body], [304, '']);
    }
  });
});
