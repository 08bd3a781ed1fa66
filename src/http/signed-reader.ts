import { createHmac, createSecretKey, randomBytes, timingSafeEqual, type KeyObject } from 'node:crypto';

/** Proves that a reader id was given out by this shop: `<reader id>.<HMAC-SHA-256 under app.secret>`, base64url. */
export type ReaderSigner = {
  /** A fresh id nobody can guess: 16 random bytes as base64url. */
  readonly mint: () => string;
  readonly sign: (readerId: string) => string;
  /** The reader id, or `null` when the value was not signed under this secret. Compares in constant time. */
  readonly verify: (signed: string) => string | null;
};

/** A minted id, or the keyed hash of an address prefix (`a-…`) that stands for clients without a cookie. */
const signedReader = /^((?:a-)?[A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/;
const rememberedPerGeneration = 20_000;
const idBytes = 16;
const idsPerPool = 256;

/**
 * Remembers up to 40,000 values it has verified, in two generations, so that a returning reader costs a look-up
 * instead of a hash. Values that fail are not remembered: they could otherwise push out the ones that pass.
 */
export function createReaderSigner(secret: string): ReaderSigner {
  const key = createSecretKey(secret, 'utf8');
  const mint = createMint();
  let current = new Map<string, string>();
  let previous = new Map<string, string>();

  const remember = (signed: string, readerId: string): void => {
    if (current.size >= rememberedPerGeneration) {
      previous = current;
      current = new Map();
    }
    current.set(signed, readerId);
  };

  const verifyAnew = (signed: string): string | null => {
    const match = signedReader.exec(signed);
    if (match === null) return null;
    const [, readerId = '', signature = ''] = match;
    const expected = Buffer.from(signatureOf(key, readerId));
    return timingSafeEqual(expected, Buffer.from(signature)) ? readerId : null;
  };

  return {
    mint,
    sign: (readerId) => `${readerId}.${signatureOf(key, readerId)}`,
    verify: (signed) => {
      const known = current.get(signed);
      if (known !== undefined) return known;
      const readerId = previous.get(signed) ?? verifyAnew(signed);
      if (readerId !== null) remember(signed, readerId);
      return readerId;
    },
  };
}

/** Random bytes for many ids at once: a call for each would cost more than all else about an id. */
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

function signatureOf(key: KeyObject, readerId: string): string {
  return createHmac('sha256', key).update(readerId).digest('base64url');
}
