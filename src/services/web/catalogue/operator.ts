import { carriesOperatorToken } from '../../../http/operator-token.ts';

/** What the operator rule looks at; all of it as the connection and the request gave it. */
export type OperatorClaim = {
  /** `app.operator_token`; `null` when none is configured. */
  readonly operatorToken: string | null;
  readonly authorization: string | undefined;
  /** The address the service was told to listen on. */
  readonly boundHost: string;
  /** The other end of the connection itself, whatever any header says. */
  readonly peerAddress: string | undefined;
  readonly hostHeader: string | undefined;
  /** Names of all headers of the request, in lower case. */
  readonly headerNames: readonly string[];
};

/**
 * Who may change the catalogue (docs/contract.md §2): who sends the operator token; and where none is configured, a
 * program on this very machine that reached us directly and by a local name, so that neither a proxy in front nor a
 * web page with a rebound name counts as one.
 */
export function isOperator(claim: OperatorClaim): boolean {
  if (claim.operatorToken !== null) return carriesOperatorToken(claim.authorization, claim.operatorToken);
  return (
    isLoopbackHost(claim.boundHost) &&
    isLoopbackAddress(claim.peerAddress ?? '') &&
    isLocalName(claim.hostHeader ?? '') &&
    !claim.headerNames.some((name) => name === 'forwarded' || name.startsWith('x-forwarded-'))
  );
}

function isLoopbackHost(host: string): boolean {
  return host.toLowerCase() === 'localhost' || isLoopbackAddress(host);
}

function isLoopbackAddress(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/i.test(address);
}

function isLocalName(host: string): boolean {
  return /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i.test(host);
}
