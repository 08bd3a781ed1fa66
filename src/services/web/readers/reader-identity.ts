import { parseCookie, stringifySetCookie } from 'cookie';
import { createHmac } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ReaderSigner } from '../../../http/signed-reader.ts';
import { addressPrefix } from './address-prefix.ts';

export type Reader = {
  /** Who events name. Without a valid cookie: `a-<keyed hash of the address prefix>`, shared by that whole place. */
  readonly id: string;
  /** Whether the request brought back a cookie given out before. */
  readonly returning: boolean;
  /**
   * The id of this client alone: `id` when returning, else the one in the cookie the answer sets. What is private to
   * a reader (their latest search, their recommendations) is shown by this id, never by the shared one.
   */
  readonly cookieId: string;
  /** IPv4 /32 or IPv6 /64. Never stored. */
  readonly addressPrefix: string;
};

/** Says who is asking, and gives a cookie to whoever did not bring a valid one. Same answer for the same request. */
export type IdentifyReader = (request: FastifyRequest, reply: FastifyReply) => Reader;

/** Where a request remembers who asks. */
const identified = Symbol('identified reader');
type IdentifiedRequest = FastifyRequest & { [identified]?: Reader };

const cookieName = 'uid';
const cookieAgeSeconds = 180 * 86_400;
const dayMs = 86_400_000;
const rememberedPrefixes = 10_000;

export function createReaderIdentity(deps: {
  readonly signer: ReaderSigner;
  /** `app.secret`; also the key from which each day's key of the address hash is made. */
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

/** What follows the value, which is a signed id: it has no character that a cookie would have to encode. */
function cookieAttributes(secure: boolean): string {
  const attributes = { httpOnly: true, sameSite: 'lax', path: '/', maxAge: cookieAgeSeconds, secure } as const;
  return stringifySetCookie({ name: cookieName, value: '', ...attributes }).slice(`${cookieName}=`.length);
}

const plainAttributes = cookieAttributes(false);
const secureAttributes = cookieAttributes(true);

/** One id per address prefix and UTC day: yesterday's cannot be linked to today's without the secret. */
function createPrefixHash(secret: string, clock: () => number): (prefix: string) => string {
  let day = Number.NaN;
  let dayKey = Buffer.alloc(0);
  let hashes = new Map<string, string>();
  return (prefix) => {
    const today = Math.floor(clock() / dayMs);
    if (today !== day || hashes.size >= rememberedPrefixes) {
      day = today;
      dayKey = createHmac('sha256', secret).update(`address prefixes of day ${today}`).digest();
      hashes = new Map();
    }
    const known = hashes.get(prefix);
    if (known !== undefined) return known;
    const id = `a-${createHmac('sha256', dayKey).update(prefix).digest('base64url').slice(0, 22)}`;
    hashes.set(prefix, id);
    return id;
  };
}
