import { isIP } from 'node:net';

/**
 * What of a client's address stands for "one place": the whole IPv4 address, or the first 64 bits of an IPv6 one
 * (RFC 6177: a site gets at least that many). IPv4 written as IPv6 (`::ffff:192.0.2.1`) is IPv4. What is no address
 * stays as it is, cut to 64 characters.
 */
export function addressPrefix(address: string): string {
  const zoneAt = address.indexOf('%');
  const withoutZone = zoneAt < 0 ? address : address.slice(0, zoneAt);
  if (isIP(withoutZone) !== 6) return withoutZone.slice(0, 64);
  const groups = groupsOf(withoutZone);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped) return bytesOf(groups.slice(6)).join('.');
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

/** The eight 16-bit groups of a valid IPv6 address. */
function groupsOf(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const before = parseGroups(head);
  const after = tail === undefined ? [] : parseGroups(tail);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0);
  return [...before, ...zeros, ...after];
}

function parseGroups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

function bytesOf(groups: readonly number[]): number[] {
  return groups.flatMap((group) => [group >> 8, group & 255]);
}
