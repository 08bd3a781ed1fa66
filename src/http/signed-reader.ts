import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createLruMap } from '../runtime/lru-map.ts';

/** Proves that this shop gave out a reader id: `<reader id>.<HMAC-SHA-256 under app.secret>`, base64url. */
export type ReaderSigner = {
  /** A new random id: 16 bytes as base64url. */
  readonly mint: () => string;
  readonly sign: (readerId: string) => string;
  /** The reader id, or `null` when the value was not signed under this secret. Compares in constant time. */
  readonly verify: (signed: string) => string | null;
};

/** A minted id, or the keyed hash of an address prefix (`a-…`) that stands for clients without a cookie. */
const signedReader = /^((?:a-)?[A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/;
const rememberedValues = 20_000;
const idBytes = 16;
const idsPerPool = 256;

/**
 * Caches 20,000 to 40,000 verified values, so that a returning reader costs a look-up instead of a hash.
 * Invalid values are not cached: they could push out valid ones.
 */
export function createReaderSigner(secret: string): ReaderSigner {
  const signatureOf = createHmacSha256(secret);
  const mint = createMint();
  const verified = createLruMap<string, string>(rememberedValues);

  const checkSignature = (signed: string): string | null => {
    const match = signedReader.exec(signed);
    if (match === null) return null;
    const [, readerId = '', signature = ''] = match;
    const expected = Buffer.from(signatureOf(readerId));
    return timingSafeEqual(expected, Buffer.from(signature)) ? readerId : null;
  };

  return {
    mint,
    sign: (readerId) => `${readerId}.${signatureOf(readerId)}`,
    verify: (signed) => {
      const known = verified.get(signed);
      if (known !== undefined) return known;
      const readerId = checkSignature(signed);
      if (readerId !== null) verified.set(signed, readerId);
      return readerId;
    },
  };
}

/** Draws random bytes for many ids at once: one call per id would cost more than the rest of making it. */
function createMint(): () => string {
  let pool = Buffer.alloc(0);
  let used = 0;
  return () => {
    if (used === pool.length) {
      pool = randomBytes(idBytes * idsPerPool);
      used = 0;
    }
    return pool.toString('base64url', used, (used += idBytes));
  };
}

const blockBytes = 64;

/**
 * HMAC-SHA-256 (RFC 2104) of ASCII text as base64url, computed with two one-shot hashes. An `Hmac` object of node:crypto
 * for each new reader took more than twice as long in a running shop.
 */
function createHmacSha256(secret: string): (message: string) => string {
  const given = Buffer.from(secret);
  const key = Buffer.alloc(blockBytes);
  key.set(given.byteLength > blockBytes ? hash('sha256', given, 'buffer') : given);
  const padded = (pad: number): string => Buffer.from(key.map((byte) => byte ^ pad)).toString('latin1');
  const [inner, outer] = [padded(0x36), padded(0x5c)];
  return (message) => {
    const within = hash('sha256', Buffer.from(inner + message, 'latin1'), 'latin1');
    return hash('sha256', Buffer.from(outer + within, 'latin1'), 'base64url');
  };
}
