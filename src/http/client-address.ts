import type { IncomingHttpHeaders } from 'node:http';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Where a request comes from. Never stored. */
export type Client = {
  /**
   * What counts as one client: an IPv4 address, or the /64 of an IPv6 address (RFC 6177: a site gets at least that).
   */
  readonly prefix: string;
  /** An IPv4 address, or the /48 of an IPv6 address. */
  readonly block: string;
};

/** A /48 may do ten times as much as one client in it. */
export const clientsPerBlock = 10;

const unknownClient: Client = { prefix: 'unknown', block: 'unknown' };

/**
 * Reads an address as proxies write it: quotes, brackets, port and zone are dropped, and IPv4 in IPv6
 * (`::ffff:192.0.2.1`) becomes IPv4. Returns null for anything else.
 */
export function readAddress(written: string): Address | null {
  const bare = written
    .trim()
    .replace(/^"(.*)"$/, '$1')
    .replace(/^\[([^\]]*)\](?::\d{1,5})?$/, '$1')
    .replace(/^(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$/, '$1')
    .replace(/%.*$/, '');
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(bare) || (bare.includes(':') && ipaddr.IPv6.isValid(bare));
  return isAddress ? ipaddr.process(bare) : null;
}

export function clientAt(address: Address | null): Client {
  if (address === null) return unknownClient;
  if (address.kind() === 'ipv4') return { prefix: address.toString(), block: address.toString() };
  const groups = (address as ipaddr.IPv6).parts.map((part) => part.toString(16));
  return { prefix: `${groups.slice(0, 4).join(':')}::/64`, block: `${groups.slice(0, 3).join(':')}::/48` };
}

const namedRanges: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

/** @param ranges as `app.trust_proxy`: addresses, CIDR ranges, or the names loopback, linklocal, uniquelocal. */
export function createAddressList(ranges: readonly string[]): (address: Address | null) => boolean {
  const parsed = ranges
    .flatMap((range) => namedRanges[range] ?? [range])
    .map((range): [Address, number] => {
      if (range.includes('/')) return ipaddr.parseCIDR(range);
      const address = ipaddr.process(range);
      return [address, address.kind() === 'ipv4' ? 32 : 128];
    });
  return (address) =>
    address !== null && parsed.some(([range, bits]) => range.kind() === address.kind() && address.match(range, bits));
}

/** The addresses that a request has passed according to its headers, nearest first. Empty without such a header. */
export function forwardedFor(headers: IncomingHttpHeaders): readonly string[] {
  const list = (name: string): string | undefined => {
    const value = headers[name];
    return Array.isArray(value) ? value.join(',') : value;
  };
  const written = list('x-forwarded-for') ?? addressesOf(list('forwarded')) ?? list('x-real-ip');
  return written === undefined ? [] : written.split(',').toReversed();
}

/** The `for` parameters of `Forwarded` (RFC 7239). */
function addressesOf(forwarded: string | undefined): string | undefined {
  if (forwarded === undefined) return undefined;
  return forwarded
    .split(',')
    .map((hop) => /(?:^|;)\s*for\s*=\s*("[^"]*"|[^;\s]*)/i.exec(hop)?.[1] ?? '')
    .join(',');
}

/**
 * The client behind the trusted proxies: the nearest address that is not a trusted proxy. An entry that is no address
 * ends the list.
 */
export function clientBehind(
  peer: Address | null,
  passed: readonly string[],
  isTrusted: (address: Address | null) => boolean,
): Address | null {
  let client = peer;
  for (const written of passed) {
    if (!isTrusted(client)) break;
    const next = readAddress(written);
    if (next === null) break;
    client = next;
  }
  return client;
}
