import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clientAt, clientBehind, createAddressList, forwardedFor, readAddress } from './client-address.ts';

const prefixOf = (written: string): string => clientAt(readAddress(written)).prefix;

describe('a client', () => {
  it('is a whole IPv4 address, however a proxy writes it', () => {
    for (const written of [
      '192.0.2.1',
      ' 192.0.2.1 ',
      '192.0.2.1:50011',
      '"192.0.2.1:50011"',
      '::ffff:192.0.2.1',
      '::ffff:c000:201',
      '[::ffff:192.0.2.1]:443',
    ]) {
      assert.equal(prefixOf(written), '192.0.2.1', written);
    }
  });

  it('is the first 64 bits of an IPv6 address, and its block the first 48', () => {
    assert.equal(prefixOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
    assert.equal(prefixOf('2001:0DB8:0001:0002::1'), '2001:db8:1:2::/64');
    assert.equal(prefixOf('"[2001:db8:1:2::1]:443"'), '2001:db8:1:2::/64');
    assert.equal(prefixOf('fe80::1%eth0'), 'fe80:0:0:0::/64');
    assert.equal(clientAt(readAddress('2001:db8:1:2::1')).block, '2001:db8:1::/48');
    assert.equal(clientAt(readAddress('192.0.2.1')).block, '192.0.2.1');
  });

  it('is unknown where there is no address', () => {
    for (const written of [
      '',
      'unknown',
      '_hidden',
      '127.1',
      '0x7f000001',
      '192.0.2.1.5',
      '1',
      '[]',
      'x'.repeat(999),
    ]) {
      assert.equal(prefixOf(written), 'unknown', written);
    }
  });
});

describe('the client behind proxies', () => {
  const isTrusted = createAddressList(['10.0.0.0/8', 'loopback', '2001:db8::5']);
  const behind = (peer: string, headers: Record<string, string>): string =>
    clientAt(clientBehind(readAddress(peer), forwardedFor(headers), isTrusted)).prefix;

  it('is the nearest address that is not a trusted proxy', () => {
    assert.equal(behind('::ffff:127.0.0.1', { 'x-forwarded-for': '203.0.113.9, 192.0.2.7:80, 10.1.1.1' }), '192.0.2.7');
    assert.equal(behind('2001:db8::5', { 'x-forwarded-for': '192.0.2.7' }), '192.0.2.7');
    assert.equal(
      behind('127.0.0.1', { 'x-forwarded-for': '[2001:db8::5]:1, [::ffff:10.0.0.1]:9' }),
      '2001:db8:0:0::/64',
    );
  });

  it('is the peer itself when that is not trusted, or when the nearest entry is not an address', () => {
    assert.equal(behind('192.0.2.1', { 'x-forwarded-for': '203.0.113.9' }), '192.0.2.1');
    assert.equal(behind('10.0.0.1', { 'x-forwarded-for': '203.0.113.9, unknown' }), '10.0.0.1');
    assert.equal(behind('10.0.0.1', {}), '10.0.0.1');
  });

  it('is also read from Forwarded and X-Real-IP', () => {
    assert.equal(
      behind('10.0.0.1', { forwarded: 'proto=https;for="[2001:db8:7::1]:80";by=x, for=10.0.0.9' }),
      '2001:db8:7:0::/64',
    );
    assert.equal(behind('10.0.0.1', { forwarded: 'for=_secret, for=192.0.2.7' }), '192.0.2.7');
    assert.equal(behind('10.0.0.1', { 'x-real-ip': '192.0.2.7' }), '192.0.2.7');
  });
});
