import { parseCookie, stringifySetCookie } from 'cookie';
import { createHmac } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ReaderSigner } from '../../../http/signed-reader.ts';
import { createLruMap } from '../../../runtime/lru-map.ts';
import { addressPrefix } from './address-prefix.ts';

export type Reader = {
  /** The id in events. Without a valid cookie: `a-<keyed hash of the address prefix>`, shared by all who use it. */
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
};

/** Identifies the reader of a request, and sets a cookie when it has no valid one. Calls for one request agree. */
export type IdentifyReader = (request: FastifyRequest, reply: FastifyReply) => Reader;

/** Where a request stores its reader. */
const identified = Symbol('identified reader');
type IdentifiedRequest = FastifyRequest & { [identified]?: Reader };

const cookieName = 'uid';
const cookieAgeSeconds = 180 * 86_400;
const dayMs = 86_400_000;
const rememberedPrefixes = 5_000;

export function createReaderIdentity(deps: {
  readonly signer: ReaderSigner;
  /** `app.secret`. Each day's key of the address hash is derived from it. */
  readonly secret: string;
  readonly clock: () => number;
}): IdentifyReader {
  const { signer } = deps;
  const hashPrefix = createPrefixHash(deps.secret, deps.clock);

  return (request: IdentifiedRequest, reply) => {
    if (request[identified] !== undefined) return request[identified];
    const prefix = addressPrefix(request.ip);
    const returned = readerOf(request.headers.cookie, signer);
    const cookieId = returned ?? signer.mint();
    const reader: Reader = {
      id: returned ?? hashPrefix(prefix),
      returning: returned !== null,
      cookieId,
      addressPrefix: prefix,
    };
    if (returned === null) {
      const attributes = request.protocol === 'https' ? secureAttributes : plainAttributes;
      void reply.header('set-cookie', `${cookieName}=${signer.sign(cookieId)}${attributes}`);
      request[identified] = reader;
    }
    return reader;
  };
}

function readerOf(cookieHeader: string | undefined, signer: ReaderSigner): string | null {
  if (cookieHeader === undefined) return null;
  const signed = parseCookie(cookieHeader)[cookieName];
  return signed === undefined ? null : signer.verify(signed);
}

/** The cookie's attributes. The value before them is a signed id, whose characters need no encoding. */
function cookieAttributes(secure: boolean): string {
  const attributes = { httpOnly: true, sameSite: 'lax', path: '/', maxAge: cookieAgeSeconds, secure } as const;
  return stringifySetCookie({ name: cookieName, value: '', ...attributes }).slice(`${cookieName}=`.length);
}

const plainAttributes = cookieAttributes(false);
const secureAttributes = cookieAttributes(true);

/** One id per address prefix and UTC day. Without the secret, ids of different days cannot be linked. */
function createPrefixHash(secret: string, clock: () => number): (prefix: string) => string {
  let day = Number.NaN;
  let dayKey = Buffer.alloc(0);
  const hashes = createLruMap<string, string>(rememberedPrefixes);
  return (prefix) => {
    const today = Math.floor(clock() / dayMs);
    if (today !== day) {
      day = today;
      dayKey = createHmac('sha256', secret).update(`address prefixes of day ${today}`).digest();
      hashes.clear();
    }
    const known = hashes.get(prefix);
    if (known !== undefined) return known;
    const id = `a-${createHmac('sha256', dayKey).update(prefix).digest('base64url').slice(0, 22)}`;
    hashes.set(prefix, id);
    return id;
  };
}
