import { hashText } from '../../../runtime/hash-text.ts';
import { createLruMap } from '../../../runtime/lru-map.ts';
import type { Access } from '../../../http/access.ts';
import { clientsPerBlock } from '../../../http/client-address.ts';
import { hourMs } from '../../../runtime/time.ts';
import type { Reader } from './reader-identity.ts';

/** 1: this search adds its reader to the counts. 0: it only adds to the number of searches. */
export type WeighSearch = (reader: Reader, query: string) => 0 | 1;

/** `queries` are 32-bit hashes. */
type Hour = { readonly hour: number; readonly queries: number[] };

const newReadersPerAddressPerHour = 20;
const weighedReaders = 50_000;
const weighedAddresses = 50_000;

/**
 * How many new readers of one IPv4 address or IPv6 /64 count in an hour, of an IPv6 /48 ten times as many; 0 = no
 * limit.
 * @param setting `trend.new_readers_per_address`; `null`: no limit in open mode, 20 in public mode.
 */
export function newReaderLimit(setting: number | null, { isPublic }: Pick<Access, 'isPublic'>): () => number {
  return () => setting ?? (isPublic() ? newReadersPerAddressPerHour : 0);
}

/**
 * Prevents one client from creating a trend alone. In an hour, a bounded number of queries of one reader
 * counts, and a bounded number of new readers of one address. A reader is new until one of their searches has counted.
 * All who search without a cookie in an IPv6 /48 are one reader, who is never limited as a new one.
 * This process remembers at least the 50,000 readers who searched last, so the limit does not affect regular readers
 * who share an address, as in a school or library.
 */
export function createSearchWeight(options: {
  readonly clock: () => number;
  /** @see newReaderLimit */
  readonly mostNewReaders: () => number;
  /** Different queries, 60 unless given. A repeated query is not limited, since it adds no reader. */
  readonly queriesPerReaderPerHour?: number;
}): WeighSearch {
  const { clock, mostNewReaders, queriesPerReaderPerHour = 60 } = options;
  const readers = createLruMap<string, Hour>(weighedReaders);
  const ofPrefix = createNewReaderCount();
  const ofBlock = createNewReaderCount();

  const mayCount = ({ returning, addressPrefix, addressBlock }: Reader, hour: number): boolean => {
    const most = mostNewReaders();
    if (most === 0 || !returning) return true;
    if (ofPrefix(addressPrefix, hour) > most) return false;
    return ofBlock(addressBlock, hour) <= most * clientsPerBlock;
  };

  return (reader, query) => {
    const hour = Math.floor(clock() / hourMs);
    let known = readers.get(reader.id);
    if (known === undefined && !mayCount(reader, hour)) return 0;
    if (known?.hour !== hour) known = { hour, queries: [] };
    readers.set(reader.id, known);
    const hashed = hashText(query.toLowerCase());
    if (known.queries.includes(hashed)) return 1;
    if (known.queries.length >= queriesPerReaderPerHour) return 0;
    known.queries.push(hashed);
    return 1;
  };
}

/** Counts new readers of each address in an hour. @returns how many there are, with this one. */
function createNewReaderCount(): (address: string, hour: number) => number {
  const counts = createLruMap<string, { readonly hour: number; readonly newReaders: number }>(weighedAddresses);
  return (address, hour) => {
    const known = counts.get(address);
    const newReaders = known?.hour === hour ? known.newReaders + 1 : 1;
    counts.set(address, { hour, newReaders });
    return newReaders;
  };
}
