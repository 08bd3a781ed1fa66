import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { carriesOperatorToken } from './operator-token.ts';

describe('the operator token', () => {
  it('is taken as a bearer token, the scheme in any case', () => {
    for (const authorization of ['Bearer s3cret', 'bearer s3cret', 'BEARER  s3cret ']) {
      assert.equal(carriesOperatorToken(authorization, 's3cret'), true, authorization);
    }
  });

  it('is taken whole and in no other way', () => {
    for (const authorization of [
      undefined,
      '',
      's3cret',
      'Bearer',
      'Bearer ',
      'Bearer s3cre',
      'Bearer s3cret2',
      'Bearer S3CRET',
      'Bearer s3cret s3cret',
      'Basic s3cret',
      'XBearer s3cret',
    ]) {
      assert.equal(carriesOperatorToken(authorization, 's3cret'), false, String(authorization));
    }
  });

  it('belongs to nobody where none is configured', () => {
    for (const authorization of [undefined, 'Bearer ', 'Bearer null', 'Bearer s3cret']) {
      assert.equal(carriesOperatorToken(authorization, null), false, String(authorization));
    }
  });
});
