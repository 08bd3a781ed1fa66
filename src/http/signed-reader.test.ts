import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { createReaderSigner } from './signed-reader.ts';

const signer = createReaderSigner('a secret of this test');

describe('reader signer', () => {
  it('gives back the id it signed, again and again', () => {
    const readerId = signer.mint();
    const signed = signer.sign(readerId);
    assert.match(signed, /^[\w-]{22}\.[\w-]{43}$/);
    assert.equal(signer.verify(signed), readerId);
    assert.equal(signer.verify(signed), readerId);
  });

  it('mints no id twice', () => {
    assert.equal(new Set(Array.from({ length: 1_000 }, signer.mint)).size, 1_000);
  });

  it('signs the same under the same secret in another process', () => {
    const readerId = signer.mint();
    assert.equal(createReaderSigner('a secret of this test').verify(signer.sign(readerId)), readerId);
    assert.equal(createReaderSigner('another secret').verify(signer.sign(readerId)), null);
  });

  it('signs the shared id of clients without a cookie too', () => {
    const shared = `a-${signer.mint()}`;
    assert.equal(signer.verify(signer.sign(shared)), shared);
  });

  it('signs with HMAC-SHA-256, however long the secret', () => {
    for (const secret of ['', 'short', 'x'.repeat(64), 'ж'.repeat(40)]) {
      const expected = createHmac('sha256', secret).update('AAAAAAAAAAAAAAAAAAAAAA').digest('base64url');
      assert.equal(createReaderSigner(secret).sign('AAAAAAAAAAAAAAAAAAAAAA'), `AAAAAAAAAAAAAAAAAAAAAA.${expected}`);
    }
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
