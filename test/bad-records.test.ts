import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { pino } from 'pino';
import type { ProgressStore } from '../src/progress/dead-letter-book.ts';
import type { DeadLetter, Progress } from '../src/progress/progress.ts';
import { encodeEnvelope } from '../src/events/envelope.ts';
import type { RecordHeaders } from '../src/events/record.ts';
import { defaultTopicNames as topics } from '../src/events/topics.ts';
import type { EventLog } from '../src/log/log.ts';
import { openSqliteLog } from '../src/log/sqlite/log.ts';
import type { Projection } from '../src/projection/projection.ts';
import { runProjection } from '../src/projection/run-projection.ts';
import { createRecommendationProjection } from '../src/services/recommendation/recommendation-projection.ts';
import { openSqliteRecommendationStore } from '../src/services/recommendation/store/sqlite/recommendation-store.ts';
import { createTrendProjection } from '../src/services/trend/trend-projection.ts';
import { openSqliteTrendStore } from '../src/services/trend/store/sqlite/trend-store.ts';
import { hourMs } from '../src/runtime/time.ts';
import { makeTemporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

type Plain = { readonly key: Uint8Array; readonly value: Uint8Array; readonly headers?: RecordHeaders };

type Bad = {
  readonly what: string;
  readonly key?: Uint8Array | null;
  readonly value?: Uint8Array | null;
  readonly headers?: RecordHeaders;
  readonly reason: RegExp;
};

const bytes = (text: string): Uint8Array => Buffer.from(text);
const book = (fields: string): Uint8Array => bytes(`{"id":1,"title":"Emma","author":"Jane Austen"${fields}}`);
const books = (fields: string): Uint8Array => Buffer.concat([bytes('['), book(fields), bytes(']')]);
const megabyte = 'x'.repeat(1_000_000);

function badJson(wrap: (fields: string) => Uint8Array): readonly Bad[] {
  return [
    { what: 'not JSON', value: bytes('hello'), reason: /^value: expected JSON/ },
    { what: 'empty', value: bytes(''), reason: /^value: expected JSON/ },
    { what: 'half JSON', value: wrap('').subarray(0, 30), reason: /^value: expected JSON/ },
    { what: 'two documents', value: Buffer.concat([wrap(''), wrap('')]), reason: /^value: expected JSON/ },
    { what: 'no UTF-8', value: Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]), reason: /^value: expected UTF-8/ },
    { what: '__proto__', value: wrap(',"__proto__":{"polluted":true}'), reason: /__proto__ is not allowed/ },
    { what: 'a number beyond any', value: wrap(',"n":1e400'), reason: /a number is too large/ },
    { what: 'a key twice', value: wrap(',"n":1,"n":2'), reason: /a key is written twice/ },
    { what: 'too deep', value: wrap(`,"n":${'['.repeat(200)}${']'.repeat(200)}`), reason: /nested deeper/ },
    { what: 'a megabyte', value: wrap(`,"n":"${megabyte}"`), reason: /expected at most \d+ bytes, got 10\d{5}/ },
    { what: 'a tombstone', value: null, reason: /^value: expected .*, got a tombstone/ },
    { what: 'a word', value: bytes('"emma"'), reason: /^value: expected an (array of books|action), got text$/ },
    { what: 'a key that is no UTF-8', key: Buffer.from([0xc3, 0x28]), reason: /^key: expected/ },
    { what: 'no key', key: null, reason: /^key: expected/ },
    { what: 'an empty key', key: bytes(''), reason: /^key: expected/ },
    { what: 'half an envelope', headers: [['ce_id', bytes('1')]], reason: /^header ce_\w+ is missing/ },
    { what: 'a header that is no UTF-8', headers: [['ce_id', Buffer.from([0xff])]], reason: /^header ce_id: expected/ },
    {
      what: 'a sequence below zero',
      headers: changed(envelope(1), 'ce_sequence', '-5'),
      reason: /^header ce_sequence: expected digits/,
    },
    { what: 'no time', headers: changed(envelope(2), 'ce_time', 'yesterday'), reason: /^header ce_time: expected/ },
  ];
}

function envelope(sequence: number): RecordHeaders {
  const type = 'samsa.book.searched.v1';
  return encodeEnvelope({ id: 'id', source: '/bad', sequence, type, time: Date.now(), extensions: {} });
}

function changed(headers: RecordHeaders, changedName: string, value: string): RecordHeaders {
  return headers.map(([name, old]) => [name, name === changedName ? bytes(value) : old] as const);
}

const badSearches: readonly Bad[] = [
  ...badJson(books),
  {
    what: 'an id that is text',
    value: bytes('[{"id":"1","title":"a","author":"b"}]'),
    reason: /^value\/0\/id: expected integer, got text$/,
  },
  { what: 'no title', value: bytes('[{"id":1,"author":"b"}]'), reason: /^value\/0\/title: .*, got nothing$/ },
  { what: 'one book', value: book(''), reason: /^value: expected an array of books, got an object$/ },
  { what: 'another type', headers: changed(envelope(3), 'ce_type', 'else'), reason: /^header ce_type: expected/ },
  { what: 'an id too large to count with', value: bytes('[{"id":1e18,"title":"a","author":"b"}]'), reason: /id/ },
];

const ofVersion = (version: string): RecordHeaders => [...envelope(4), ['ce_bookversion', bytes(version)]];
const one = { key: bytes('1'), headers: ofVersion('2') };

const badChanges: readonly Bad[] = [
  { what: 'not JSON', ...one, value: bytes('hello'), reason: /^value: expected JSON/ },
  { what: 'a list', ...one, value: books(''), reason: /^value: expected a book, got a list$/ },
  { what: 'another book', ...one, key: bytes('2'), value: book(''), reason: /^value\/id: expected 2/ },
  { what: 'a key that is no number', ...one, key: bytes('emma'), value: book(''), reason: /^key: expected a decimal/ },
  { what: 'an id too large to count with', ...one, key: bytes('9'.repeat(16)), value: null, reason: /^key: expected/ },
  { what: 'no version', key: bytes('1'), value: book(''), reason: /^header ce_bookversion: expected a decimal/ },
  { what: 'half a version', ...one, headers: ofVersion('1.5'), value: book(''), reason: /^header ce_bookversion/ },
  { what: 'a removal without a version', key: bytes('1'), value: null, reason: /^header ce_bookversion/ },
  { what: 'popular beyond counting', ...one, value: book(',"popularity":1e18'), reason: /^value\/popularity/ },
];

const badActions: readonly Bad[] = [
  ...badJson((fields) => bytes(`{"action":"opened","book_id":1${fields}}`)),
  { what: 'an unknown action', value: bytes('{"action":"burnt","book_id":1}'), reason: /^value\/action: / },
  { what: 'no book', value: bytes('{"action":"opened"}'), reason: /^value\/book_id: / },
  { what: 'half a book', value: bytes('{"action":"opened","book_id":1.5}'), reason: /^value\/book_id: / },
  { what: 'an id too large to count with', value: bytes('{"action":"opened","book_id":1e18}'), reason: /book_id/ },
];

describe('records that cannot be read', () => {
  let folder = '';
  let log: EventLog;

  beforeEach(async () => {
    folder = makeTemporaryFolder();
    log = openSqliteLog(join(folder, 'log.sqlite'), { clock: Date.now, busyTimeoutMs: 1_000 });
    for (const topic of Object.values(topics)) {
      await log.create(topic, { partitions: 1, retentionMs: 0, compacted: topic === topics.changes });
    }
  });

  afterEach(async () => {
    await log.close();
  });

  /** Puts every bad record between two good ones in the same partition. @returns how many good ones there are. */
  const append = async (topic: string, bad: readonly Bad[], good: (number: number) => Plain): Promise<number> => {
    const records = bad.flatMap(({ key = bytes('emma'), value = good(0).value, headers = [] }, index) => {
      return [{ key, value, headers }, good(index + 1)];
    });
    await log.append([good(0), ...records].map((record) => ({ topic, headers: [], ...record })));
    return bad.length + 1;
  };

  /** Reads all records, and checks that each one was folded once, in order and without delay. */
  const readAll = async <Change>(progress: Progress<Change>, projection: Projection<Change>): Promise<void> => {
    const folded = new Map<string, number[]>();
    const said: string[] = [];
    const reads = projection.reads.map((input) => ({
      ...input,
      fold: (record: Parameters<typeof input.fold>[0]) => {
        folded.set(record.topic, [...(folded.get(record.topic) ?? []), record.offset]);
        return input.fold(record);
      },
    }));
    const running = runProjection({
      log,
      progress,
      projection: { ...projection, reads },
      instance: 'a',
      clock: Date.now,
      logger: pino({ level: 'info' }, { write: (line: string) => void said.push(line) }),
      leaseTickMs: 20,
    });
    try {
      for (const { topic } of reads) await untilRead(progress, projection.name, topic);
      assert.deepEqual(running.problems(), []);
    } finally {
      await running.close();
    }
    for (const { topic } of reads) {
      const [partition] = (await log.describe(topic)).partitions;
      assert.deepEqual(
        folded.get(topic) ?? [],
        Array.from({ length: partition!.end }, (_, offset) => offset),
      );
    }
    assert.deepEqual(said, []);
  };

  const untilRead = async <Change>(progress: Progress<Change>, projection: string, topic: string): Promise<void> => {
    const [partition] = (await log.describe(topic)).partitions;
    await until(`${topic} is read`, async () => {
      const positions = await progress.positions(projection);
      return positions.find((position) => position.topic === topic)?.next === partition?.end;
    });
  };

  const assertDead = async (progress: ProgressStore<never>, topic: string, bad: readonly Bad[]): Promise<void> => {
    const letters = (await progress.deadLetters({ limit: 1_000 })).filter((letter) => letter.topic === topic);
    assert.deepEqual(
      letters.map(({ offset }) => bad[(offset - 1) / 2]?.what),
      bad.map(({ what }) => what),
    );
    for (const [index, { what, key, value, headers = [], reason }] of bad.entries()) {
      const letter = letters[index]!;
      assert.match(letter.reason, reason, what);
      assert.equal(letter.cause, 'bad-event', what);
      if (value !== undefined) assertSameBytes(letter.value, value, what);
      assertSameBytes(letter.key, key === undefined ? bytes('emma') : key, what);
      assertSameHeaders(letter, headers, what);
    }
    const position = (await progress.positions(letters[0]!.projection)).find((at) => at.topic === topic);
    assert.equal(position?.outcomes.dead, bad.length);
    assert.equal(position?.outcomes.applied, bad.length + 1);
  };

  const searchOf = (number: number): Plain => ({ key: bytes(`emma:searching${number}`), value: books('') });
  const actionOf = (number: number): Plain => {
    return { key: bytes(`acting${number}`), value: bytes('{"action":"opened","book_id":1}') };
  };
  const changeOf = (number: number): Plain => {
    const id = number + 1;
    return { key: bytes(String(id)), value: bytes(`{"id":${id},"title":"a","author":"b"}`), headers: ofVersion('1') };
  };

  it('become dead letters of the trend service, and every search between them is counted', async () => {
    const searching = await append(topics.searches, badSearches, searchOf);
    const store = openSqliteTrendStore(join(folder, 'trend.sqlite'), { clock: Date.now, busyTimeoutMs: 1_000 });
    try {
      await readAll(store, createTrendProjection('trend', { searches: topics.searches }));
      await assertDead(store, topics.searches, badSearches);
      const totals = await store.totals(Math.floor(Date.now() / hourMs) - 1);
      assert.deepEqual(
        totals.map(({ query, readers }) => [query, readers]),
        [[await store.find('emma'), searching]],
      );
    } finally {
      await store.close();
    }
  });

  it('become dead letters of the recommendation service, and every reader and book between them is known', async () => {
    const searching = await append(topics.searches, badSearches, searchOf);
    const acting = await append(topics.actions, badActions, actionOf);
    const changed = await append(topics.changes, badChanges, changeOf);
    const path = join(folder, 'recommendation.sqlite');
    const store = openSqliteRecommendationStore(path, { clock: Date.now, busyTimeoutMs: 1_000 });
    try {
      await readAll(store, createRecommendationProjection('recommendation', topics));
      await assertDead(store, topics.searches, badSearches);
      await assertDead(store, topics.actions, badActions);
      await assertDead(store, topics.changes, badChanges);
      const last = await store.taste(`searching${searching - 1}`);
      assert.deepEqual([last.searches.length, last.searches[0]?.bookIds], [1, [1]]);
      const acted = await store.readersSince(0, 2 * acting);
      assert.deepEqual([acted.length, acted[0]?.liked[0]?.bookId], [acting, 1]);
      const known = await store.booksSince(0, 1_000);
      assert.deepEqual(
        known.map(({ bookId, book: stored }) => [bookId, stored?.title]),
        Array.from({ length: changed }, (_, index) => [index + 1, 'a']),
      );
    } finally {
      await store.close();
    }
  });

  it('cannot change built-in objects of the program', () => {
    assert.equal('polluted' in {}, false);
  });
});

function assertSameBytes(found: Uint8Array | null, expected: Uint8Array | null, what: string): void {
  if (found === null || expected === null) assert.equal(found, expected, what);
  else assert.ok(Buffer.compare(found, expected) === 0, what);
}

function assertSameHeaders({ headers }: DeadLetter, expected: RecordHeaders, what: string): void {
  assert.deepEqual(
    headers.map(([name, value]) => [name, Buffer.from(value).toString('hex')]),
    expected.map(([name, value]) => [name, Buffer.from(value).toString('hex')]),
    what,
  );
}
