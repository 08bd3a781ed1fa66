import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { SamsaError } from '../errors.ts';
import { clientAt, clientBehind, createAddressList, forwardedFor, readAddress, type Client } from './client-address.ts';
import { createLruMap } from '../runtime/lru-map.ts';

/**
 * Who may do what (docs/contract.md §2, Open and public). A process starts *open* when only this machine can reach it
 * and nothing says otherwise. Signs of a proxy make it *public* until it restarts.
 */
export type Access = {
  readonly isPublic: () => boolean;
  /** Looks for signs of a proxy. Call it for each request before anything is decided about it. */
  readonly observe: (request: FastifyRequest) => void;
  /** Whether the request comes directly from this machine in open mode: it may change books and name any reader. */
  readonly isOpenTo: (request: FastifyRequest) => boolean;
  /** @throws SamsaError `too-many-requests` after ten wrong tokens of one client within a minute. */
  readonly hasOperatorToken: (request: FastifyRequest) => boolean;
  /** Whether another service of this shop asks. */
  readonly isOwnService: (request: FastifyRequest) => boolean;
  /** What our services send each other as a bearer token; derived from `app.secret`. */
  readonly serviceToken: string;
  readonly clientOf: (request: FastifyRequest) => Client;
  /** Whether many clients seem to share this request's address, because a proxy does not name them. */
  readonly isShared: (request: FastifyRequest) => boolean;
  readonly isTrustedProxy: (address: string) => boolean;
  /** Readiness reasons. */
  readonly problems: () => readonly string[];
};

export type AccessOptions = {
  /** `app.operator_token` */
  readonly operatorToken: string | null;
  /** `app.trust_proxy` */
  readonly trustProxy: readonly string[];
  /** Whether every service of the shop is bound to loopback. */
  readonly isLocal: boolean;
  /** `app.secret` */
  readonly secret: string;
  readonly logger: Pick<Logger, 'warn'>;
  /** Monotonic, in ms. */
  readonly nowMs: () => number;
  /** Set to 1 when the process has become public. Shared by all threads of a process. */
  readonly becamePublic?: Int32Array;
};

/** A program with the operator token may send this: its request then counts as one of the client at this address. */
export const clientHeader = 'samsa-client';

const proxyHeader =
  /^(?:x-forwarded|forwarded|via$|x-real-ip$|(?:true|x|x-cluster|fastly|cf|fly)-(?:client|connecting)-ip$|cf-ray$|x-original-host$)/;
const wrongTokensPerMinute = 10;
const shownForMs = 600_000;

export function createAccess(options: AccessOptions): Access {
  const { operatorToken, trustProxy, isLocal, logger, nowMs } = options;
  const isTrusted = createAddressList(trustProxy);
  const isLoopback = createAddressList(['loopback']);
  const canBeOpen = operatorToken === null && trustProxy.length === 0 && isLocal;
  const becamePublic = options.becamePublic ?? new Int32Array(1);
  const serviceToken = createHmac('sha256', options.secret).update('calls between services').digest('base64url');
  const wrongTokens = createCounter(nowMs);
  const peers = new WeakMap<Socket, { readonly address: ReturnType<typeof readAddress>; readonly client: Client }>();
  /** When a proxy was last found to hide its clients, by reason. */
  const hidden = new Map<'proxy-not-trusted' | 'proxy-without-address', number>();

  const peerOf = ({ socket }: FastifyRequest) => {
    const known = peers.get(socket);
    if (known !== undefined) return known;
    const address = readAddress(socket.remoteAddress ?? '');
    const peer = { address, client: clientAt(address) };
    peers.set(socket, peer);
    return peer;
  };
  const isPublic = (): boolean => !canBeOpen || becamePublic[0] === 1;
  const carries = ({ headers }: FastifyRequest, token: string): boolean => carriesToken(headers.authorization, token);

  const hasOperatorToken = (request: FastifyRequest): boolean => {
    if (operatorToken === null || request.headers.authorization === undefined) return false;
    const { prefix } = clientAt(clientBehind(peerOf(request).address, forwardedFor(request.headers), isTrusted));
    if (wrongTokens.count(prefix) >= wrongTokensPerMinute) {
      throw new SamsaError('too-many-requests', 'Too many wrong tokens came from this address. Try again in a minute.');
    }
    if (carries(request, operatorToken)) return true;
    if (!carries(request, serviceToken)) wrongTokens.add(prefix);
    return false;
  };

  const warnOnce = (reason: 'proxy-not-trusted' | 'proxy-without-address', message: string): void => {
    if (canBeOpen) return; // `proxied` says it already.
    if (!hidden.has(reason)) logger.warn({ reason }, message);
    hidden.set(reason, nowMs());
  };

  /** Behind a proxy that hides its clients, the limits see all of them as one client. */
  const findSharing = (request: FastifyRequest): boolean => {
    const named = forwardedFor(request.headers).length > 0;
    const { address } = peerOf(request);
    const trusted = isTrusted(address);
    if (named === trusted || carries(request, serviceToken) || isMonitoring(request.url)) return false;
    const peer = address?.toString() ?? 'the proxy';
    if (named) {
      const line = `to believe it, set app.trust_proxy: ${[...trustProxy, peer].join(',')}`;
      warnOnce('proxy-not-trusted', `${peer} names other clients in a forwarding header and is not trusted: ${line}`);
    } else {
      const line = 'let it send X-Forwarded-For (docs/proxy.md)';
      warnOnce('proxy-without-address', `${peer} is a trusted proxy that does not name its clients: ${line}`);
    }
    return true;
  };

  return {
    isPublic,
    serviceToken,
    hasOperatorToken,
    observe: (request) => {
      if (isPublic()) return;
      const sign = signOfProxy(request);
      if (sign === null || Atomics.exchange(becamePublic, 0, 1) === 1) return;
      logger.warn(
        { reason: 'proxied' },
        `a request came through a proxy (${sign}): this shop is public until it restarts. Changing books needs ` +
          'app.operator_token now, and app.trust_proxy makes it know its clients (docs/proxy.md)',
      );
    },
    isOpenTo: (request) =>
      !isPublic() && isLoopback(peerOf(request).address) && isLocalName(request.headers.host ?? ''),
    isOwnService: (request) => request.headers.authorization !== undefined && carries(request, serviceToken),
    clientOf: (request) => {
      const { headers } = request;
      const given = headers[clientHeader];
      if (typeof given === 'string' && hasOperatorToken(request)) return clientAt(readAddress(given));
      const { address, client } = peerOf(request);
      return trustProxy.length === 0 ? client : clientAt(clientBehind(address, forwardedFor(headers), isTrusted));
    },
    isShared: (request) => isPublic() && findSharing(request),
    isTrustedProxy: (address) => isTrusted(readAddress(address)),
    problems: () => [
      ...(canBeOpen && isPublic() ? ['proxied'] : []),
      ...[...hidden].filter(([, seenMs]) => nowMs() - seenMs < shownForMs).map(([reason]) => reason),
    ],
  };
}

/** @throws SamsaError `operator-only` */
export function requireOperator(request: FastifyRequest, access: Pick<Access, 'isOpenTo' | 'hasOperatorToken'>): void {
  if (access.isOpenTo(request) || access.hasOperatorToken(request)) return;
  throw new SamsaError(
    'operator-only',
    'This needs the operator token: set app.operator_token, and send it as Authorization: Bearer.',
  );
}

/** What shows that a request came through a proxy, without what a reader typed; `null` for nothing. */
function signOfProxy(request: FastifyRequest): string | null {
  if (request.raw.httpVersionMinor === 0) return 'HTTP/1.0';
  for (const name in request.headers) if (proxyHeader.test(name)) return name;
  const { origin, referer } = request.headers;
  if (request.headers['sec-fetch-site'] !== 'same-origin') return null;
  const page = origin ?? referer;
  if (page === undefined || isSameHost(page, request.headers.host)) return null;
  return `Host is not that of ${URL.parse(page)?.origin.slice(0, 80) ?? 'the page'}`;
}

/** Whether a URL names the host of a `Host` header. The default port may be written or left out. */
export function isSameHost(url: string, host: string | undefined): boolean {
  const parsed = URL.parse(url);
  if (parsed === null || parsed.host === '') return false;
  return parsed.host === URL.parse(`${parsed.protocol}//${host ?? ''}`)?.host;
}

function isMonitoring(url: string): boolean {
  return url.startsWith('/health/') || url.startsWith('/metrics');
}

function isLocalName(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i.test(host);
}

/**
 * Whether an `Authorization` header carries a token as a bearer token (RFC 6750 §2.1, the scheme in upper or lower
 * case). Compares digests, so that the time taken reveals neither the token's length nor a prefix.
 */
function carriesToken(authorization: IncomingHttpHeaders['authorization'], expected: string): boolean {
  const [, token] = /^Bearer +([\x21-\x7E]+) *$/i.exec(authorization ?? '') ?? [];
  return token !== undefined && timingSafeEqual(digest(token), digest(expected));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

type Counter = {
  /** Counts one event. @returns how many there were in this window. */
  readonly add: (key: string) => number;
  readonly count: (key: string) => number;
  /** Until the key's window ends, rounded up. */
  readonly secondsLeft: (key: string) => number;
};

const windowMs = 60_000;
const rememberedKeys = 20_000;

/**
 * Counts events by key. A key's window of one minute begins with its first event. Remembers the 20,000 keys counted
 * last.
 * @param nowMs monotonic, so that a changed clock neither extends nor ends a window.
 */
export function createCounter(nowMs: () => number): Counter {
  const windows = createLruMap<string, { readonly startMs: number; count: number }>(rememberedKeys);
  const current = (key: string) => {
    const window = windows.get(key);
    return window !== undefined && nowMs() - window.startMs < windowMs ? window : null;
  };
  return {
    add: (key) => {
      const window = current(key) ?? { startMs: nowMs(), count: 0 };
      if (window.count === 0) windows.set(key, window);
      return ++window.count;
    },
    count: (key) => current(key)?.count ?? 0,
    secondsLeft: (key) => Math.ceil((windowMs - (nowMs() - (current(key)?.startMs ?? nowMs()))) / 1_000),
  };
}
