import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dayMs } from '../runtime/time.ts';
import { bookChangedRecord, decodeBookChanged } from './book-changed.ts';
import { bookSearchedRecord, createBookSearchedDecoder, type SearchKeyFormat } from './book-searched.ts';
import { listedBook, parseBookId } from './book.ts';
import { decodeEnvelope, decodeMark, createEventSource } from './envelope.ts';
import { decodeReaderAction, readerActionRecord } from './reader-action.ts';
import type { NewRecord, StoredRecord } from './record.ts';

const noon = Date.UTC(2026, 0, 2, 12);
const gatsby = { id: 17, title: 'The Great Gatsby', author: 'F. Scott Fitzgerald' };
const gatsbyList = Buffer.from(JSON.stringify([gatsby]));

function stored(record: NewRecord, timestamp = noon): StoredRecord {
  return { ...record, partition: 2, offset: 5, timestamp };
}

function plain(key: string | null, value: string | null, timestamp = noon): StoredRecord {
  const bytes = (part: string | null): Buffer | null => (part === null ? null : Buffer.from(part));
  return stored({ topic: 't', key: bytes(key), value: bytes(value), headers: [] }, timestamp);
}

function ownSearch(
  query: string,
  overrides: { reader?: string | null; weight?: 0 | 1; time?: number; keyFormat?: SearchKeyFormat } = {},
) {
  const source = createEventSource('test', () => overrides.time ?? noon);
  return bookSearchedRecord('t', source, {
    query,
    value: gatsbyList,
    keyFormat: overrides.keyFormat ?? 'query',
    reader: overrides.reader ?? null,
    weight: overrides.weight ?? 1,
    corrected: null,
    total: 1,
  });
}

const badEvent = { name: 'SamsaError', code: 'bad-event' };

describe('book searched', () => {
  it('carries the query as key and the answer as value, with CloudEvents headers beside them', () => {
    const record = ownSearch('gatsby', { reader: 'r1' });
    assert.equal(record.key?.toString(), 'gatsby');
    assert.equal(record.value, gatsbyList);
    const headers = Object.fromEntries(record.headers.map(([name, value]) => [name, Buffer.from(value).toString()]));
    assert.equal(headers['ce_specversion'], '1.0');
    assert.match(headers['ce_id'] ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.match(headers['ce_source'] ?? '', /^\/samsa\/test\/[\w-]{12}$/);
    assert.equal(headers['ce_sequence'], '00000000000000000001');
    assert.equal(headers['ce_time'], '2026-01-02T12:00:00.000Z');
    assert.equal(headers['ce_total'], '1');
    assert.equal(headers['content-type'], 'application/json');
  });

  it('reads back what it wrote, and never splits a key of our own', () => {
    const search = createBookSearchedDecoder()(stored(ownSearch('ratio 3:1', { reader: 'r1', weight: 0 })));
    assert.ok(search !== 'late');
    assert.deepEqual(
      { query: search.query, reader: search.reader, weight: search.weight, time: search.time, bookIds: search.bookIds },
      { query: 'ratio 3:1', reader: 'r1', weight: 0, time: noon, bookIds: [gatsby.id] },
    );
  });

  it('writes the reader into the key when asked to, and still reads the query back', () => {
    const decode = createBookSearchedDecoder();
    for (const [reader, key] of [
      ['r1', 'ratio 3:1:r1'],
      [null, 'ratio 3:1:'],
    ] as const) {
      const record = ownSearch('ratio 3:1', { reader, keyFormat: 'query:reader' });
      assert.equal(Buffer.from(record.key!).toString(), key);
      const search = decode(stored(record));
      assert.ok(search !== 'late');
      assert.deepEqual([search.query, search.reader], ['ratio 3:1', reader]);
    }
    const other = { ...ownSearch('ratio', { reader: 'r1', keyFormat: 'query:reader' }), key: Buffer.from('ratio') };
    assert.throws(() => decode(stored(other)), { ...badEvent, message: /end with :r1/ });
  });

  it('reads plain messages with and without a reader after the last colon', () => {
    const decode = createBookSearchedDecoder();
    const read = (key: string) => {
      const search = decode(plain(key, '[]'));
      assert.ok(search !== 'late');
      return [search.query, search.reader];
    };
    assert.deepEqual(read('gatsby'), ['gatsby', null]);
    assert.deepEqual(read('gatsby:u-1'), ['gatsby', 'u-1']);
    assert.deepEqual(read('a:b:u1'), ['a:b', 'u1']);
    assert.deepEqual(read('gatsby:'), ['gatsby', null]);
    assert.deepEqual(read('who: me?'), ['who: me?', null]);
  });

  it('reads a JSON null of a plain producer as an empty list, but refuses a tombstone', () => {
    const decode = createBookSearchedDecoder();
    const search = decode(plain('gatsby', 'null'));
    assert.deepEqual(search !== 'late' && search.bookIds, []);
    assert.throws(() => decode(plain('gatsby', null)), badEvent);
  });

  it('refuses wrong shapes, empty queries and keys that are not text', () => {
    const decode = createBookSearchedDecoder();
    assert.throws(() => decode(plain('gatsby', '{"id":1}')), badEvent);
    assert.throws(() => decode(plain('gatsby', '[{"id":"1","title":"x","author":"y"}]')), badEvent);
    assert.throws(() => decode(plain('  ', '[]')), badEvent);
    assert.throws(() => decode(plain(null, '[]')), badEvent);
    assert.throws(() => decode({ ...plain('x', '[]'), key: Buffer.from([0xc3]) }), badEvent);
  });

  it('decides from the record alone what is late or early', () => {
    const decode = createBookSearchedDecoder();
    const late = ownSearch('gatsby', { time: noon });
    assert.equal(decode(stored(late, noon + 7 * dayMs + 1)), 'late');
    assert.notEqual(decode(stored(late, noon + 7 * dayMs)), 'late');
    const early = decode(stored(ownSearch('gatsby', { time: noon + dayMs }), noon));
    assert.equal(early !== 'late' && early.time, noon);
  });

  it('returns the right answer for each query and value, also for remembered ones', () => {
    const decode = createBookSearchedDecoder();
    const answer = (value: string) => {
      const search = decode(plain('q', value));
      return search === 'late' ? [] : [search.bookIds, Buffer.from(search.value).toString()];
    };
    const [one, other] = ['[{"id":1,"title":"a","author":"b"}]', '[{"id":2,"title":"c","author":"b"}]'];
    for (const [value, id] of [
      [one, 1],
      [one, 1],
      [one, 1],
      [other, 2],
    ] as const) {
      assert.deepEqual(answer(value), [[id], value]);
    }
  });
});

describe('reader action', () => {
  const source = createEventSource('test', () => noon);

  it('reads back what it wrote', () => {
    const action = decodeReaderAction(stored(readerActionRecord('t', source, 'r1', { action: 'opened', book_id: 17 })));
    assert.ok(action !== 'late');
    assert.deepEqual([action.reader, action.action, action.bookId, action.time], ['r1', 'opened', 17, noon]);
  });

  it('needs a book, except to forget', () => {
    assert.throws(() => decodeReaderAction(plain('r1', '{"action":"opened"}')), badEvent);
    const forgotten = decodeReaderAction(plain('r1', '{"action":"forgotten"}'));
    assert.equal(forgotten !== 'late' && forgotten.bookId, null);
  });

  it('refuses unknown actions and readers without a name', () => {
    assert.throws(() => decodeReaderAction(plain('r1', '{"action":"eaten","book_id":1}')), badEvent);
    assert.throws(() => decodeReaderAction(plain('', '{"action":"opened","book_id":1}')), badEvent);
  });
});

describe('book id', () => {
  it('is read from an address as far as JavaScript has it exactly', () => {
    assert.equal(parseBookId('17'), 17);
    assert.equal(parseBookId(String(Number.MAX_SAFE_INTEGER)), Number.MAX_SAFE_INTEGER);
    for (const wrong of ['', '0', '-1', '017', '1.5', '1e3', '９', '9007199254740992']) {
      assert.equal(parseBookId(wrong), null, wrong);
    }
  });
});

describe('book changed', () => {
  const source = createEventSource('test', () => noon);

  it('reads back a change and a removal', () => {
    const changed = { bookId: 17, version: 3, book: gatsby };
    assert.deepEqual(decodeBookChanged(stored(bookChangedRecord('t', source, changed))), changed);
    const removed = { bookId: 17, version: 4, book: null };
    assert.deepEqual(decodeBookChanged(stored(bookChangedRecord('t', source, removed))), removed);
  });

  it('refuses a book with another key, and a change without a version', () => {
    const record = stored(bookChangedRecord('t', source, { bookId: 17, version: 3, book: gatsby }));
    assert.throws(() => decodeBookChanged({ ...record, key: Buffer.from('18') }), badEvent);
    assert.throws(() => decodeBookChanged({ ...record, headers: [] }), badEvent);
  });
});

describe('envelope', () => {
  it('returns null for plain messages and refuses an incomplete envelope', () => {
    assert.equal(decodeEnvelope([['x', Buffer.from('1')]]), null);
    assert.throws(() => decodeEnvelope([['ce_id', Buffer.from('1')]]), badEvent);
  });

  it('reads every time as RFC 3339 means it, also after another time of the same day', () => {
    const timeOf = (time: string) => {
      const headers = ownSearch('q').headers;
      return decodeEnvelope([...headers].map(([name, value]) => [name, name === 'ce_time' ? Buffer.from(time) : value]))
        ?.time;
    };
    const times = ['T12:00:00.000Z', 'T23:59:59.999Z', 'T12:00:00Z', 'T12:00:00.000+02:00', 'T00:00:00.001Z'];
    for (const day of ['2026-11-28', '2024-02-29', '0099-12-31']) {
      for (const time of times) assert.equal(timeOf(day + time), Date.parse(day + time), day + time);
      for (const wrong of ['T24:30:00.000Z', 'T12:60:00.000Z', 'T12:00:60.000Z', 'T12:00:00.00xZ', 'x12:00:00.000Z']) {
        assert.throws(() => timeOf(day + wrong), badEvent, day + wrong);
      }
    }
  });

  it('finds the producer mark without reading the rest', () => {
    const record = ownSearch('q');
    const envelope = decodeEnvelope(record.headers);
    assert.deepEqual(decodeMark(record.headers), { source: envelope?.source, sequence: 1 });
    assert.equal(decodeMark([]), null);
  });

  it('has the source and sequence by which repeats are found, also when such a header is written twice', () => {
    const { headers } = ownSearch('q');
    const again = (['ce_source', 'ce_sequence'] as const).map((name) => [name, Buffer.from('7')] as const);
    const twice = [...headers, ...again];
    const envelope = decodeEnvelope(twice);
    assert.deepEqual(decodeMark(twice), { source: envelope?.source, sequence: envelope?.sequence });
  });
});

describe('listed book', () => {
  it('cuts a description to 300 characters, and no character in half', () => {
    const cut = listedBook({ ...gatsby, description: `${'x'.repeat(298)}😀${'y'.repeat(50)}` });
    assert.ok((cut.description ?? '').length <= 300);
    assert.ok((cut.description ?? '').isWellFormed());
    assert.equal(listedBook(gatsby), gatsby);
  });
});
