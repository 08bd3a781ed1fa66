import assert from 'node:assert/strict';
import type { FastifyRequest } from 'fastify';
import { describe, it } from 'node:test';
import { createReaderSigner } from '../../http/signed-reader.ts';
import { createReaderCheck } from './recommendation-routes.ts';

const signer = createReaderSigner('a secret', Date.now);
const ann = signer.mint();
const forged = createReaderSigner('another secret', Date.now).sign(ann);
const request = {} as FastifyRequest;

function check(isOpen: boolean, isOperator: boolean) {
  const asks = createReaderCheck(signer.verify, { isOpenTo: () => isOpen, hasOperatorToken: () => isOperator });
  return (uid: string): string | null => asks(uid, request);
}

describe('who may ask for recommendations', () => {
  it('includes a reader with their own signed cookie value, in every mode', () => {
    for (const asks of [check(true, false), check(false, false)]) assert.equal(asks(signer.sign(ann)), ann);
  });

  it('includes everybody who knows a reader id, in open mode or with the operator token', () => {
    for (const uid of [ann, 'mona', '7', 'a-b_C', 'x'.repeat(64)]) {
      assert.deepEqual([check(true, false)(uid), check(false, true)(uid), check(false, false)(uid)], [uid, uid, null]);
    }
  });

  it('excludes a malformed reader id and a signature of another shop', () => {
    const signed = signer.sign(ann);
    for (const uid of ['', ' ', 'a b', 'a.b', 'ä', 'x'.repeat(65), `${ann}\n`, forged, `${ann}.`, `${signed}x`]) {
      assert.equal(check(true, true)(uid), null, JSON.stringify(uid));
    }
  });
});
