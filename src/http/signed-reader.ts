import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createLruMap } from '../runtime/lru-map.ts';
import { dayMs } from '../runtime/time.ts';

/**
 * Proves that this shop gave out a reader id, and on which day: `<reader id>.<day><HMAC-SHA-256 under app.secret>`. The
 * day is four digits in base 36, counted from 1970, UTC.
 */
export type ReaderSigner = {
  /** A new random id: 16 bytes as base64url. */
  readonly mint: () => string;
  /** Signs an id as of today. */
  readonly sign: (readerId: string) => string;
  /**
   * The reader id; `null` when the value was not signed under this secret, or more than 180 days ago. Compares in
   * constant time.
   */
  readonly verify: (signed: string) => string | null;
  /** Whether a valid value should be replaced by one of today: after 30 days. */
  readonly isDueForRenewal: (signed: string) => boolean;
};

/** A minted id, or the keyed hash of an IPv4 address or IPv6 /48 (`a-…`) that stands for clients without a cookie. */
const signedReader = /^((?:a-)?[A-Za-z0-9_-]{22})\.([0-9a-z]{4})?([A-Za-z0-9_-]{43})$/;
const rememberedValues = 20_000;
const idBytes = 16;
const idsPerPool = 256;
/** How many days a signed value is accepted. */
export const validDays = 180;
const renewedAfterDays = 30;
/** Values without a day were given out before December 2026. They are valid until this time. */
const undatedUntilMs = Date.UTC(2027, 5, 1);

/**
 * Caches 20,000 to 40,000 verified values, so that a returning reader costs a look-up instead of a hash.
 * Invalid values are not cached: they could push out valid ones.
 */
export function createReaderSigner(secret: string, clock: () => number): ReaderSigner {
  const signatureOf = createHmacSha256(secret);
  const mint = createMint();
  const verified = createLruMap<string, string>(rememberedValues);
  const today = (): number => Math.floor(clock() / dayMs);

  const checkSignature = (signed: string): string | null => {
    const match = signedReader.exec(signed);
    if (match === null) return null;
    const [, readerId = '', day = '', signature = ''] = match;
    const expected = Buffer.from(signatureOf(day === '' ? readerId : `${readerId}.${day}`));
    return timingSafeEqual(expected, Buffer.from(signature)) ? readerId : null;
  };
  const isCurrent = (signed: string): boolean => {
    const age = ageInDays(signed, today());
    return age === null ? clock() < undatedUntilMs : age <= validDays;
  };

  return {
    mint,
    sign: (readerId) => {
      const day = today().toString(36).padStart(4, '0');
      return `${readerId}.${day}${signatureOf(`${readerId}.${day}`)}`;
    },
    verify: (signed) => {
      const known = verified.get(signed);
      const readerId = known ?? checkSignature(signed);
      if (readerId === null || !isCurrent(signed)) return null;
      if (known === undefined) verified.set(signed, readerId);
      return readerId;
    },
    isDueForRenewal: (signed) => (ageInDays(signed, today()) ?? renewedAfterDays) >= renewedAfterDays,
  };
}

/** The age of a well-formed value; `null` without a day. If the clock was set back, the age is not greater. */
function ageInDays(signed: string, today: number): number | null {
  const tail = signed.slice(signed.indexOf('.') + 1);
  return tail.length === 43 ? null : today - Number.parseInt(tail.slice(0, 4), 36);
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
 * HMAC-SHA-256 (RFC 2104) of ASCII text as base64url, computed with two one-shot hashes. An `Hmac` object of
 * node:crypto for each new reader took more than twice as long in a running shop.
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
