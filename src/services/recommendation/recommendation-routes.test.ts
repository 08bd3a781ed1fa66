import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { Book } from '../../events/book.ts';
import { bookChangedRecord } from '../../events/book-changed.ts';
import { bookSearchedRecord, createBookSearchedDecoder } from '../../events/book-searched.ts';
import { createEventSource } from '../../events/envelope.ts';
import { readerActionRecord, type ReaderActionName } from '../../events/reader-action.ts';
import type { NewRecord } from '../../events/record.ts';
import { defaultTopicNames as topics } from '../../events/topics.ts';
import type { HttpServer } from '../../http/route-schemas.ts';
import { createReaderSigner } from '../../http/signed-reader.ts';
import { openSqliteLog } from '../../log/sqlite/log.ts';
import { openTestAccess, openTestServer } from '../../../test/support/open-test-server.ts';
import { makeTemporaryFolder } from '../../../test/support/temporary-folder.ts';
import { until } from '../../../test/support/until.ts';
import { createAnswers } from './answers/answers.ts';
import { createRecommendationService } from './recommendation-service.ts';
import { openSqliteRecommendationStore } from './store/sqlite/recommendation-store.ts';

type Shop = {
  readonly server: HttpServer;
  /** Appends to the log and waits until the service has taken it in. */
  readonly send: (...records: readonly NewRecord[]) => Promise<void>;
  /** Moves the clock. */
  readonly passMs: (ms: number) => void;
};

const startMs = Date.parse('2026-01-02T03:04:05.000Z');
const signer = createReaderSigner('a secret', Date.now);
const topicNames = [topics.searches, topics.actions, topics.changes];

let nowMs = startMs;
const clock = (): number => nowMs;
const source = createEventSource('test', clock);

const books: readonly Book[] = [
  { id: 1, title: 'Dracula', author: 'Bram Stoker', subjects: ['Vampires'] },
  { id: 2, title: 'Carmilla', author: 'Sheridan Le Fanu', subjects: ['Vampires'] },
  { id: 3, title: 'Emma', author: 'Jane Austen', subjects: ['Matchmaking'], popularity: 9 },
  { id: 4, title: 'Persuasion', author: 'Jane Austen', subjects: ['Second chances'] },
];
const catalogue = books.map((book) => bookChangedRecord(topics.changes, source, { bookId: book.id, version: 1, book }));
const acted = (reader: string, action: ReaderActionName, bookId?: number): NewRecord =>
  readerActionRecord(topics.actions, source, reader, bookId === undefined ? { action } : { action, book_id: bookId });
const searched = (reader: string, query: string, ...found: readonly number[]): NewRecord => {
  const value = Buffer.from(JSON.stringify(books.filter(({ id }) => found.includes(id))));
  const context = { reader, weight: 1, corrected: null, total: found.length } as const;
  return bookSearchedRecord(topics.searches, source, { query, value, ...context });
};

function test(name: string, body: (shop: Shop) => Promise<void>, { isOpen = true } = {}): void {
  it(name, async () => {
    nowMs = startMs;
    await using stack = new AsyncDisposableStack();
    const folder = makeTemporaryFolder();
    const log = openSqliteLog(join(folder, 'log.sqlite'), { clock, busyTimeoutMs: 1_000 });
    stack.defer(() => log.close());
    for (const topic of topicNames) await log.create(topic, { partitions: 2, retentionMs: 0, compacted: false });
    const store = openSqliteRecommendationStore(join(folder, 'state.sqlite'), { clock, busyTimeoutMs: 1_000 });
    stack.defer(() => store.close());
    const base = { clock, logger: pino({ level: 'silent' }), registry: new Registry() };
    const answers = createAnswers(store, { clock, onProblem: assert.ifError });
    const service = createRecommendationService({
      ...base,
      log,
      decodeSearch: createBookSearchedDecoder(),
      store,
      answers,
      topics,
      projectionName: 'recommendation',
      instance: 'test',
      access: openTestAccess({ operatorToken: isOpen ? null : 's3cret' }),
      verifyReader: signer.verify,
    });
    stack.defer(() => service.close());
    const server = await openTestServer({ ...base, service: 'recommendation', readiness: service.readiness });
    stack.defer(() => server.close());
    service.routes(server);
    const send = async (...records: readonly NewRecord[]): Promise<void> => {
      await log.append(records);
      const ends = new Map<string, number>();
      for (const topic of new Set(records.map((record) => record.topic))) {
        const { partitions } = await log.describe(topic);
        for (const [partition, { end }] of partitions.entries()) ends.set(`${topic}/${partition}`, end);
      }
      await until('all is taken in', async () => {
        const positions = await store.positions('recommendation');
        const nexts = new Map(positions.map(({ topic, partition, next }) => [`${topic}/${partition}`, next]));
        return [...ends].every(([partition, end]) => (nexts.get(partition) ?? 0) >= end);
      });
    };
    await send(...catalogue);
    await body({ server, send, passMs: (ms) => void (nowMs += ms) });
  });
}

type Answer = { readonly status: number; readonly body: unknown };

async function ask(server: HttpServer, url: string, authorization?: string): Promise<Answer> {
  const headers = authorization === undefined ? {} : { authorization };
  const response = await server.inject({ url, headers });
  return { status: response.statusCode, body: response.json() };
}

const titles = ({ body }: Answer): readonly string[] => (body as { title: string }[]).map(({ title }) => title);
const codeOf = ({ status, body }: Answer) => [status, (body as { code?: string }).code];

describe('GET /recommendations', () => {
  test('answers what a reader might like with score, reasons, tier and freshness', async ({ server, send }) => {
    await send(acted('mona', 'opened', 1));
    const { status, body } = await ask(server, '/recommendations?uid=mona');
    assert.equal(status, 200);
    const [first, ...more] = body as Record<string, unknown>[];
    const { score, ...rest } = first!;
    assert.ok(typeof score === 'number' && score > 0 && score < 1);
    assert.deepEqual(rest, {
      user_id: 'mona',
      title: 'Carmilla',
      author: 'Sheridan Le Fanu',
      book_id: 2,
      reasons: [{ kind: 'opened', text: 'because you opened Dracula', book_id: 1 }],
      tier: 'similar',
      as_of: '2026-01-02T03:04:05.000Z',
    });
    assert.deepEqual(
      more.map(({ title, tier }) => [title, tier]),
      [
        ['Emma', 'popular'],
        ['Persuasion', 'popular'],
      ],
    );
  });

  test('answers a search with its query as the reason', async ({ server, send }) => {
    await send(searched('mona', 'vampires?', 1));
    const { body } = await ask(server, '/recommendations?uid=mona');
    const reason = { kind: 'searched', text: 'because you searched “vampires?”', query: 'vampires?' };
    assert.deepEqual(
      (body as { title: string; reasons: unknown }[]).slice(0, 2).map(({ title, reasons }) => [title, reasons]),
      [
        ['Dracula', [reason]],
        ['Carmilla', [reason]],
      ],
    );
  });

  test('leaves out what a reader has opened, wants or dismissed, from the next answer on', async ({ server, send }) => {
    const list = async () => titles(await ask(server, '/recommendations?uid=mona'));
    assert.deepEqual(await list(), ['Emma', 'Dracula', 'Carmilla', 'Persuasion']);
    await send(acted('mona', 'dismissed', 3));
    assert.deepEqual(await list(), ['Dracula', 'Carmilla', 'Persuasion']);
    await send(acted('mona', 'wanted', 1));
    assert.deepEqual(await list(), ['Carmilla', 'Persuasion']);
    await send(acted('mona', 'chosen', 4));
    assert.deepEqual(await list(), ['Carmilla']);
    await send(acted('mona', 'restored', 3), acted('mona', 'unwanted', 1));
    assert.deepEqual((await list()).toSorted(), ['Carmilla', 'Dracula', 'Emma']);
  });

  test('knows nothing of a forgotten reader, from the next answer on', async ({ server, send }) => {
    await send(acted('mona', 'opened', 1), acted('mona', 'dismissed', 3), acted('mona', 'forgotten'));
    assert.deepEqual(titles(await ask(server, '/recommendations?uid=mona')), [
      'Emma',
      'Dracula',
      'Carmilla',
      'Persuasion',
    ]);
  });

  test('shows added books and leaves out removed ones', async ({ server, send }) => {
    await send(
      bookChangedRecord(topics.changes, source, { bookId: 3, version: 2, book: null }),
      bookChangedRecord(topics.changes, source, {
        bookId: 5,
        version: 1,
        book: { id: 5, title: 'Ulysses', author: 'James Joyce', popularity: 99 },
      }),
    );
    assert.deepEqual(titles(await ask(server, '/recommendations?uid=mona')), [
      'Ulysses',
      'Dracula',
      'Carmilla',
      'Persuasion',
    ]);
  });

  test('shows a new reader first what most readers of this shop have', async ({ server, send, passMs }) => {
    await send(acted('ann', 'opened', 4), acted('bob', 'wanted', 4), acted('bob', 'opened', 2));
    await until('the readers are counted', async () => {
      passMs(2_000);
      const found = titles(await ask(server, '/recommendations?uid=stranger'));
      return found.join() === 'Persuasion,Carmilla,Emma,Dracula';
    });
  });

  test('refuses an empty, missing, repeated or overlong uid', async ({ server }) => {
    for (const query of ['', '?uid=', '?uid=a&uid=b', `?uid=${'x'.repeat(201)}`]) {
      assert.equal((await ask(server, `/recommendations${query}`)).status, 400, query);
    }
  });

  test('takes any reader id or a signed cookie value on loopback, and nothing else', async ({ server }) => {
    const reader = signer.mint();
    for (const uid of ['7', reader, signer.sign(reader)]) {
      const { status, body } = await ask(server, `/recommendations?uid=${uid}`);
      assert.equal(status, 200);
      assert.equal((body as { user_id: string }[])[0]?.user_id, uid === '7' ? '7' : reader);
    }
    for (const uid of ['no%20id', 'x'.repeat(65), createReaderSigner('another', Date.now).sign(reader)]) {
      assert.deepEqual(codeOf(await ask(server, `/recommendations?uid=${uid}`)), [403, 'reader-unknown']);
    }
  });

  test(
    'wants a signed cookie value or the operator token in public mode',
    async ({ server }) => {
      const reader = signer.mint();
      assert.equal((await ask(server, `/recommendations?uid=${signer.sign(reader)}`)).status, 200);
      assert.equal((await ask(server, `/recommendations?uid=${reader}`, 'Bearer s3cret')).status, 200);
      for (const authorization of [undefined, 'Bearer wrong', 'Basic s3cret']) {
        const answer = await ask(server, `/recommendations?uid=${reader}`, authorization);
        assert.deepEqual(codeOf(answer), [403, 'reader-unknown']);
      }
    },
    { isOpen: false },
  );
});

describe('GET /related', () => {
  test('answers the books that at least three readers have together with one, and how many do', async ({
    server,
    send,
  }) => {
    await send(
      ...['ann', 'bob', 'cas'].flatMap((reader) => [acted(reader, 'opened', 1), acted(reader, 'wanted', 2)]),
      acted('ann', 'opened', 3),
      acted('dot', 'opened', 4),
    );
    const { status, body } = await ask(server, '/related?book_id=1');
    assert.equal(status, 200);
    assert.deepEqual(body, [{ book_id: 2, title: 'Carmilla', author: 'Sheridan Le Fanu', readers: 3 }]);
    assert.deepEqual(await ask(server, '/related?book_id=99'), { status: 200, body: [] });
  });

  test('leaves out books that are gone', async ({ server, send }) => {
    const removed = bookChangedRecord(topics.changes, source, { bookId: 2, version: 2, book: null });
    const readers = ['ann', 'bob', 'cas'];
    await send(...readers.flatMap((reader) => [1, 2, 3].map((bookId) => acted(reader, 'opened', bookId))), removed);
    assert.deepEqual(titles(await ask(server, '/related?book_id=1')), ['Emma']);
  });

  test('refuses a malformed book id', async ({ server }) => {
    for (const query of ['', '?book_id=', '?book_id=0', '?book_id=1.5', '?book_id=x', '?book_id=9007199254740993']) {
      assert.equal((await ask(server, `/related${query}`)).status, 400, query);
    }
  });
});
