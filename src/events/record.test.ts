import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SamsaError } from '../errors.ts';
import { decodeHeaders, encodeHeaders, headersIn } from './record.ts';

type Headers = Parameters<typeof encodeHeaders>[0];

const plain = (headers: Iterable<Headers[number]>) =>
  Array.from(headers, ([name, value]) => [name, Buffer.from(value).toString('hex')]);

void describe('header bytes', () => {
  void it('come back byte for byte, in order, whatever they are', () => {
    const header = fc.tuple(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 300 }));
    fc.assert(
      fc.property(fc.array(header, { maxLength: 200 }), (headers) => {
        const bytes = encodeHeaders(headers);
        assert.deepEqual(plain(decodeHeaders(bytes)), plain(headers));
        const found = headersIn(bytes);
        assert.deepEqual([found.length, plain(found), plain(found)], [headers.length, plain(headers), plain(headers)]);
      }),
    );
  });

  void it('come back when they are large, repeated or missing', () => {
    const large = Buffer.alloc(300_000, 'x');
    for (const headers of [[], [['a', large] as const, ['a', large] as const, ['', Buffer.alloc(0)] as const]]) {
      assert.deepEqual(plain(decodeHeaders(encodeHeaders(headers))), plain(headers));
    }
  });

  void it('do not change when other headers are encoded afterwards', () => {
    const first = encodeHeaders([['a', Buffer.from('first')]]);
    encodeHeaders([['b', Buffer.from('other')]]);
    assert.deepEqual(plain(decodeHeaders(first)), plain([['a', Buffer.from('first')]]));
  });

  void it('belong to their record, also when several records are read in turn', () => {
    const [one, other] = ['one', 'other'].map((text) => headersIn(encodeHeaders([['a', Buffer.from(text)]])));
    const read = [one!, other!, one!, one!].map((headers) => plain(headers)[0]![1]);
    const inTurn = Array.from(one!, ([, value]) => [value, ...Array.from(other!, ([, second]) => second)]);
    assert.deepEqual(
      read,
      ['one', 'other', 'one', 'one'].map((text) => Buffer.from(text).toString('hex')),
    );
    assert.deepEqual(
      inTurn.flat().map(String),
      ['one', 'other'].map((text) => Array.from(Buffer.from(text)).join()),
    );
  });

  void it('are refused when bytes are missing, added or not ours', () => {
    const whole = encodeHeaders([
      ['ce_id', Buffer.from('one')],
      ['ce_type', Buffer.from('two')],
    ]);
    const refused = (error: unknown) => error instanceof SamsaError && error.code === 'data-folder-unusable';
    for (let length = 0; length < whole.length; length++) {
      assert.throws(() => headersIn(whole.subarray(0, length)), refused, `cut to ${length} bytes`);
    }
    assert.throws(() => headersIn(Buffer.concat([whole, Buffer.from('x')])), refused);
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        try {
          Array.from(headersIn(bytes));
        } catch (error) {
          assert.ok(refused(error), String(error));
        }
      }),
    );
  });
});
