import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { dayMs } from '../runtime/time.ts';
import { createReaderSigner } from './signed-reader.ts';

const signer = createReaderSigner('a secret of this test', Date.now);
const id = 'AAAAAAAAAAAAAAAAAAAAAA';

describe('reader signer', () => {
  it('gives back the id it signed, again and again', () => {
    const readerId = signer.mint();
    const signed = signer.sign(readerId);
    assert.match(signed, /^[\w-]{22}\.[\w-]{47}$/);
    assert.equal(signer.verify(signed), readerId);
    assert.equal(signer.verify(signed), readerId);
  });

  it('mints no id twice', () => {
    assert.equal(new Set(Array.from({ length: 1_000 }, signer.mint)).size, 1_000);
  });

  it('signs the same under the same secret in another process', () => {
    const readerId = signer.mint();
    assert.equal(createReaderSigner('a secret of this test', Date.now).verify(signer.sign(readerId)), readerId);
    assert.equal(createReaderSigner('another secret', Date.now).verify(signer.sign(readerId)), null);
  });

  it('signs the shared id of clients without a cookie too', () => {
    const shared = `a-${signer.mint()}`;
    assert.equal(signer.verify(signer.sign(shared)), shared);
  });

  it('signs id and day with HMAC-SHA-256, however long the secret', () => {
    const day = '0fji';
    const clock = () => Number.parseInt(day, 36) * dayMs;
    for (const secret of ['', 'short', 'x'.repeat(64), 'ж'.repeat(40)]) {
      const expected = createHmac('sha256', secret).update(`${id}.${day}`).digest('base64url');
      assert.equal(createReaderSigner(secret, clock).sign(id), `${id}.${day}${expected}`);
    }
  });

  it('accepts a value for 180 days and renews it after 30, remembered or not', () => {
    let nowMs = Date.UTC(2031, 4, 4, 23);
    const dated = createReaderSigner('a secret of this test', () => nowMs);
    const signed = dated.sign(id);
    const after = (days: number) => {
      nowMs = Date.UTC(2031, 4, 4 + days, 1);
      return [dated.verify(signed), dated.isDueForRenewal(signed)];
    };
    assert.deepEqual(
      [after(0), after(29), after(30)],
      [
        [id, false],
        [id, false],
        [id, true],
      ],
    );
    assert.deepEqual(
      [after(180), after(181)],
      [
        [id, true],
        [null, true],
      ],
    );
    assert.deepEqual(after(-1), [id, false]);
    assert.equal(dated.verify(signed.replace(/\..{4}/, '.zzzz')), null);
  });

  it('takes values without a day until June 2027, and wants them renewed', () => {
    const secret = 'a secret of this test';
    const undated = `${id}.${createHmac('sha256', secret).update(id).digest('base64url')}`;
    const before = createReaderSigner(secret, () => Date.UTC(2027, 4, 31));
    assert.deepEqual([before.verify(undated), before.isDueForRenewal(undated)], [id, true]);
    assert.equal(createReaderSigner(secret, () => Date.UTC(2027, 5, 1)).verify(undated), null);
  });

  it('refuses a forged, changed, cut or foreign value', () => {
    const signed = signer.sign(signer.mint());
    const changed = (signed.startsWith('A') ? 'B' : 'A') + signed.slice(1);
    for (const value of [
      '',
      '.',
      'uid',
      changed,
      signed.slice(0, -1),
      `${signed}A`,
      `${'é'.repeat(22)}${signed.slice(22)}`,
    ]) {
      assert.equal(signer.verify(value), null, value);
    }
  });

  it('mints ids that do not repeat', () => {
    const ids = new Set(Array.from({ length: 1_000 }, () => signer.mint()));
    assert.equal(ids.size, 1_000);
  });
});
