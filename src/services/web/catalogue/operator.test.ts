import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isOperator, type OperatorClaim } from './operator.ts';

const local: OperatorClaim = {
  operatorToken: null,
  authorization: undefined,
  boundHost: '127.0.0.1',
  peerAddress: '127.0.0.1',
  hostHeader: 'localhost:8080',
  headerNames: ['host', 'content-type'],
};

const allows = (claim: Partial<OperatorClaim>): boolean => isOperator({ ...local, ...claim });

describe('the operator rule without a token', () => {
  it('lets a program on this machine in, by any of its local names', () => {
    for (const hostHeader of ['localhost', 'LOCALHOST:1', '127.0.0.1:8080', '[::1]:8080', '[::1]']) {
      assert.equal(allows({ hostHeader }), true, hostHeader);
    }
    for (const boundHost of ['localhost', '127.0.0.1', '::1', '127.8.9.10']) assert.equal(allows({ boundHost }), true);
    for (const peerAddress of ['::1', '::ffff:127.0.0.1']) assert.equal(allows({ peerAddress }), true);
  });

  it('refuses a service that others can reach', () => {
    for (const boundHost of ['0.0.0.0', '::', '192.168.0.5', 'shop.example', '']) {
      assert.equal(allows({ boundHost }), false, boundHost);
    }
  });

  it('refuses peers from elsewhere', () => {
    for (const peerAddress of ['10.0.0.1', '::ffff:10.0.0.1', '1127.0.0.1', undefined]) {
      assert.equal(allows({ peerAddress }), false, String(peerAddress));
    }
  });

  it('refuses a name that was bound to this machine by somebody else', () => {
    for (const hostHeader of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '', undefined]) {
      assert.equal(allows({ hostHeader }), false, String(hostHeader));
    }
  });

  it('refuses what came through a proxy', () => {
    for (const header of ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto']) {
      assert.equal(allows({ headerNames: ['host', header] }), false, header);
    }
  });
});

describe('the operator rule with a token', () => {
  const operatorToken = 's3cret';

  it('takes the token from anywhere', () => {
    assert.equal(allows({ operatorToken, authorization: 'Bearer s3cret', peerAddress: '10.0.0.1' }), true);
    assert.equal(allows({ operatorToken, authorization: 'bearer s3cret', boundHost: '0.0.0.0' }), true);
  });

  it('takes nothing else, also on this machine', () => {
    for (const authorization of [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      'Bearer s3cre',
      'Bearer s3cret2',
      'Basic s3cret',
    ]) {
      assert.equal(allows({ operatorToken, authorization }), false, String(authorization));
    }
  });
});
