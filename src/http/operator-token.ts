import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * Whether an `Authorization` header carries `app.operator_token` as a bearer token (RFC 6750 §2.1, the scheme in upper or
 * lower case). Always false while no token is configured. Compares digests, so that the time taken reveals neither the
 * token's length nor a prefix.
 */
export function carriesOperatorToken(authorization: string | undefined, operatorToken: string | null): boolean {
  if (operatorToken === null) return false;
  const [, token] = /^Bearer +([\x21-\x7E]+) *$/i.exec(authorization ?? '') ?? [];
  return token !== undefined && timingSafeEqual(digest(token), digest(operatorToken));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
