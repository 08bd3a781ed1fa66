import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SamsaError } from '../errors.ts';
import { parseEventJson } from './json.ts';

const refused = (value: string | Uint8Array, message: RegExp): void => {
  assert.throws(
    () => parseEventJson(typeof value === 'string' ? Buffer.from(value) : value),
    (error) => error instanceof SamsaError && error.code === 'bad-event' && message.test(error.message),
  );
};

describe('parseEventJson', () => {
  it('reads whatever JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        fc.pre(!JSON.stringify(value).includes('__proto__'));
        assert.deepEqual(parseEventJson(Buffer.from(JSON.stringify(value))), JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('reads quotes, colons and backslashes inside strings', () => {
    const value = { 'a:"b"': 'c\\', d: 'e":"f', 'g\\"': '\\"' };
    assert.deepEqual(parseEventJson(Buffer.from(JSON.stringify(value))), value);
  });

  it('skips a byte order mark, once', () => {
    const value = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('[{"id":21}]')]);
    assert.deepEqual(parseEventJson(value), [{ id: 21 }]);
    refused(Buffer.concat([value.subarray(0, 3), value]), /expected JSON/);
  });

  it('refuses text that is not JSON, or only half of it', () => {
    refused('gatsby', /expected JSON/);
    refused('[{"id":1,', /expected JSON/);
    refused('', /expected JSON/);
  });

  it('refuses a key written twice, also when escaped differently', () => {
    refused('{"a":1,"a":2}', /twice/);
    refused('[{"b":{"a":1,"\\u0061":2}}]', /twice/);
  });

  it('refuses __proto__, numbers too large for a double, and deep nesting', () => {
    refused('{"__proto__":{"admin":true}}', /__proto__/);
    refused('[1e400]', /too large/);
    refused('['.repeat(100_000) + ']'.repeat(100_000), /nested/);
  });

  it('refuses bytes that are not UTF-8 and values over the limit', () => {
    refused(Buffer.from([0x22, 0xff, 0x22]), /UTF-8/);
    refused(Buffer.from(JSON.stringify('x'.repeat(1_000_000))), /at most/);
  });
});
