import { carriesOperatorToken } from '../../../http/operator-token.ts';

const readerId = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Whose recommendations a `uid` asks for, or null when whoever asks may not see them: on loopback any reader id, elsewhere
 * the signed cookie value, or any reader id with the operator token.
 */
export function createReaderCheck(options: {
  readonly isLoopback: boolean;
  readonly operatorToken: string | null;
  readonly verify: (signed: string) => string | null;
}): (uid: string, authorization: string | undefined) => string | null {
  return (uid, authorization) => {
    const signed = options.verify(uid);
    if (signed !== null) return signed;
    if (!readerId.test(uid)) return null;
    return options.isLoopback || carriesOperatorToken(authorization, options.operatorToken) ? uid : null;
  };
}
