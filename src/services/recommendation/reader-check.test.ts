import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createReaderSigner } from '../../http/signed-reader.ts';
import { createReaderCheck } from './recommendation-routes.ts';

const signer = createReaderSigner('a secret');
const ann = signer.mint();
const forged = createReaderSigner('another secret').sign(ann);
const operator = 'Bearer s3cret';
const settings = { isLoopback: true, operatorToken: 's3cret', verify: signer.verify };
const here = createReaderCheck(settings);
const elsewhere = createReaderCheck({ ...settings, isLoopback: false });
const withoutOperator = createReaderCheck({ ...settings, isLoopback: false, operatorToken: null });

describe('the reader a uid asks for', () => {
  it('is the owner of a signed cookie value, anywhere', () => {
    for (const check of [here, elsewhere, withoutOperator]) assert.equal(check(signer.sign(ann), undefined), ann);
  });

  it('is any reader id on this machine', () => {
    for (const uid of [ann, 'mona', '7', 'a-b_C', 'x'.repeat(64)]) assert.equal(here(uid, undefined), uid);
  });

  it('is a plain reader id elsewhere only for the operator', () => {
    assert.equal(elsewhere(ann, operator), ann);
    for (const authorization of [undefined, 'Bearer other', 's3cret'])
      assert.equal(elsewhere(ann, authorization), null);
    for (const authorization of [undefined, operator, 'Bearer null']) {
      assert.equal(withoutOperator(ann, authorization), null);
    }
  });

  it('is nobody for other texts and for forged signatures', () => {
    for (const uid of [
      '',
      ' ',
      'a b',
      'a.b',
      'ä',
      'x'.repeat(65),
      `${ann}\n`,
      forged,
      `${ann}.`,
      `${signer.sign(ann)}x`,
    ]) {
      for (const check of [here, elsewhere]) assert.equal(check(uid, operator), null, JSON.stringify(uid));
    }
  });
});
