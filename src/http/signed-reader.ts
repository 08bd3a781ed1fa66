import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

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

/**
 * Remembers up to 40,000 values it has verified, in two generations, so that a returning reader costs a look-up
 * instead of a hash. Values that fail are not remembered: they could otherwise push out the ones that pass.
 */
export function createReaderSigner(secret: string): ReaderSigner {
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
    const expected = Buffer.from(signatureOf(secret, readerId));
    return timingSafeEqual(expected, Buffer.from(signature)) ? readerId : null;
  };

  return {
    mint: () => randomBytes(16).toString('base64url'),
    sign: (readerId) => `${readerId}.${signatureOf(secret, readerId)}`,
    verify: (signed) => {
      const known = current.get(signed);
      if (known !== undefined) return known;
      const readerId = previous.get(signed) ?? verifyAnew(signed);
      if (readerId !== null) remember(signed, readerId);
      return readerId;
    },
  };
}

function signatureOf(secret: string, readerId: string): string {
  return createHmac('sha256', secret).update(readerId).digest('base64url');
}
