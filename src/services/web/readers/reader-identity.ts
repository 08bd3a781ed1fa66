import { stringifySetCookie } from 'cookie';
import { createHmac } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sharedReader } from '../../../events/book-searched.ts';
import type { Access } from '../../../http/access.ts';
import { validDays, type ReaderSigner } from '../../../http/signed-reader.ts';
import { createLruMap } from '../../../runtime/lru-map.ts';
import { dayMs } from '../../../runtime/time.ts';

export type Reader = {
  /**
   * The id in events. Without a valid cookie: `a-<keyed hash of the IPv4 /32 or IPv6 /48>`, shared by all who use it.
   */
  readonly id: string;
  /** Whether the request carries a valid cookie of this shop. */
  readonly returning: boolean;
  /**
   * The id of this client alone: `id` when returning, else the new one in the answer's cookie. Private data (latest
   * search, recommendations) belongs to this id, never to the shared one.
   */
  readonly cookieId: string;
  /** IPv4 /32 or IPv6 /64. Never stored. */
  readonly addressPrefix: string;
  /** IPv4 /32 or IPv6 /48. Never stored. */
  readonly addressBlock: string;
  /** 0–29, a keyed hash of the IPv4 /32 or IPv6 /48; `null` in open mode: trends then use a hash of the reader. */
  readonly place: number | null;
};

/**
 * Identifies the reader of a request, and sets a cookie when it has no valid one. Every call for one request returns
 * the same.
 */
export type IdentifyReader = (request: FastifyRequest, reply: FastifyReply) => Reader;

/** Where a request stores its reader. */
const identified = Symbol('identified reader');
type IdentifiedRequest = FastifyRequest & { [identified]?: Reader };

const plainName = 'uid';
/** Browsers accept it only over HTTPS, from this very host, so that no neighbouring host can replace it. */
const secureName = '__Host-uid';
const rememberedBlocks = 5_000;
const places = 30;

export function createReaderIdentity(deps: {
  readonly signer: ReaderSigner;
  /** `app.secret`. The keys of the address hashes are derived from it. */
  readonly secret: string;
  readonly clock: () => number;
  readonly access: Pick<Access, 'isPublic' | 'clientOf'>;
  /** @see newReaderLimit. With 0 (no limit), and in open mode, a search event has no place. */
  readonly mostNewReaders: () => number;
}): IdentifyReader {
  const { signer, access, mostNewReaders } = deps;
  const sharedIdOf = createSharedReaderHash(deps.secret, deps.clock);
  const placeOf = createPlaceHash(deps.secret);

  return (request: IdentifiedRequest, reply) => {
    if (request[identified] !== undefined) return request[identified];
    const { prefix, block } = access.clientOf(request);
    // Proxies may write the scheme in any case (RFC 3986).
    const isSecure = request.protocol.toLowerCase() === 'https';
    const cookie = validCookie(request.headers.cookie, isSecure, signer);
    const cookieId = cookie?.readerId ?? signer.mint();
    const reader: Reader = {
      id: cookie?.readerId ?? sharedIdOf(block),
      returning: cookie !== null,
      cookieId,
      addressPrefix: prefix,
      addressBlock: block,
      place: access.isPublic() && mostNewReaders() > 0 ? placeOf(block) : null,
    };
    if (cookie === null || cookie.isDue) {
      const name = isSecure ? secureName : plainName;
      const attributes = isSecure ? secureAttributes : plainAttributes;
      void reply.header('set-cookie', `${name}=${signer.sign(cookieId)}${attributes}`);
    }
    request[identified] = reader;
    return reader;
  };
}

/**
 * The reader of the first valid cookie. There may be several of one name, set for other paths or by neighbouring hosts.
 * Over HTTPS the plain cookie of the same shop over HTTP is taken over.
 */
function validCookie(
  header: string | undefined,
  isSecure: boolean,
  signer: ReaderSigner,
): { readonly readerId: string; readonly isDue: boolean } | null {
  if (header === undefined) return null;
  for (const name of isSecure ? [secureName, plainName] : [plainName]) {
    for (const pair of header.split(';')) {
      const at = pair.indexOf('=');
      if (pair.slice(0, at).trim() !== name) continue;
      const signed = pair.slice(at + 1).trim();
      const readerId = signer.verify(signed);
      if (readerId === null) continue;
      return { readerId, isDue: signer.isDueForRenewal(signed) || (isSecure && name === plainName) };
    }
  }
  return null;
}

/** The cookie's attributes. Its value, a signed id, needs no encoding. */
function cookieAttributes(secure: boolean): string {
  const attributes = {
    httpOnly: true,
    sameSite: 'lax',
    path: '/',
    maxAge: (validDays * dayMs) / 1_000,
    secure,
  } as const;
  return stringifySetCookie({ name: plainName, value: '', ...attributes }).slice(`${plainName}=`.length);
}

const plainAttributes = cookieAttributes(false);
const secureAttributes = cookieAttributes(true);

/** One id per address block and UTC day. Without the secret, ids of different days cannot be linked. */
function createSharedReaderHash(secret: string, clock: () => number): (block: string) => string {
  let day = Number.NaN;
  let dayKey = Buffer.alloc(0);
  const hashes = createLruMap<string, string>(rememberedBlocks);
  return (block) => {
    const today = Math.floor(clock() / dayMs);
    if (today !== day) {
      day = today;
      dayKey = createHmac('sha256', secret).update(`address prefixes of day ${today}`).digest();
      hashes.clear();
    }
    const known = hashes.get(block);
    if (known !== undefined) return known;
    const id = sharedReader(createHmac('sha256', dayKey).update(block).digest('base64url').slice(0, 22));
    hashes.set(block, id);
    return id;
  };
}

/**
 * This key does not change every day: an address block keeps its place, so that places of several days can be counted
 * together.
 */
function createPlaceHash(secret: string): (block: string) => number {
  const key = createHmac('sha256', secret).update('places').digest();
  const known = createLruMap<string, number>(rememberedBlocks);
  return (block) => {
    let place = known.get(block);
    if (place === undefined) {
      place = createHmac('sha256', key).update(block).digest().readUInt32BE() % places;
      known.set(block, place);
    }
    return place;
  };
}

/**
 * Whether a reader caused this request and sees its answer, so that it may be recorded (docs/privacy.md has the table).
 * Browsers say in `Sec-Fetch-Site` and `Sec-Fetch-Dest` (W3C Fetch Metadata) which site caused a request and what the
 * answer is for. Requests without these headers count as visits. HEAD, prefetching, images and frames do not.
 */
export function isVisit({ method, headers }: FastifyRequest): boolean {
  if (method === 'HEAD' || isPrefetch(headers)) return false;
  const dest = headers['sec-fetch-dest'];
  if (dest === undefined || dest === 'document') return true;
  return dest === 'empty' && isOwn(headers['sec-fetch-site']);
}

/** Whether a page of this shop led to the request. False for links on other sites and for bookmarks. */
export function isFromOwnPage({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  return site === undefined || site === 'same-origin';
}

function isOwn(site: string | string[] | undefined): boolean {
  return site === undefined || site === 'same-origin' || site === 'none';
}

function isPrefetch(headers: FastifyRequest['headers']): boolean {
  const names = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'];
  return names.some((name) => /prefetch|preview|prerender/i.test(String(headers[name] ?? '')));
}
