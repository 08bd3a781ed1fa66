import type { Socket } from 'node:net';
import type { FastifyRequest, FastifyReply } from 'fastify';
import { createCounter, type Access } from './access.ts';
import { clientsPerBlock } from './client-address.ts';
import { problem, type Problem } from './problem.ts';

/** Requests a minute and client in public mode, unless `app.rate_limit` says otherwise. */
const defaultPerMinute = 600;
/** For clients that share one address behind a proxy which does not name them. */
const clientsPerProxy = 100;
const runningPerClient = 64;
const runningPerProxy = 1_000;

/** @returns the refusal for a request that is one too many, or null. */
type LimitRequest = (request: FastifyRequest, reply: FastifyReply) => Problem | null;

/**
 * Bounds how often one client asks, and how many of its requests run at the same time. Clients behind a proxy that does
 * not name them cannot be told apart: each connection has the limit of one client, and all of them together that of
 * many. Open mode has no bounds, except for a rate that is set. Health checks and our own services are never refused.
 * @param perMinute `app.rate_limit`; 0 = no bounds, null = the default.
 */
export function createLimits(access: Access, perMinute: number | null, nowMs: () => number): LimitRequest {
  const counter = createCounter(nowMs);
  const running = new Map<string, number>();
  const connections = new WeakMap<Socket, string>();
  let lastConnection = 0;

  const connectionOf = ({ socket }: FastifyRequest): string => {
    const name = connections.get(socket) ?? `connection ${++lastConnection}`;
    connections.set(socket, name);
    return name;
  };

  const isBeyond = (bounds: readonly (readonly [key: string, most: number])[]): string | null => {
    const beyond = bounds.map(([key, most]) => [key, counter.add(key) > most] as const);
    return beyond.find(([, isOver]) => isOver)?.[0] ?? null;
  };
  const run = (key: string, most: number, reply: FastifyReply): boolean => {
    const now = running.get(key) ?? 0;
    if (now >= most) return false;
    running.set(key, now + 1);
    reply.raw.once('close', () => {
      const left = running.get(key)! - 1;
      if (left === 0) running.delete(key);
      else running.set(key, left);
    });
    return true;
  };

  return (request, reply) => {
    const rate = perMinute ?? (access.isPublic() ? defaultPerMinute : 0);
    if (rate === 0 || request.url.startsWith('/health/') || access.isOwnService(request)) return null;
    const { prefix, block } = access.clientOf(request);
    const isShared = access.isShared(request);
    const bounds = isShared
      ? ([
          [connectionOf(request), rate],
          [`all of ${prefix}`, rate * clientsPerProxy],
        ] as const)
      : ([[prefix, rate], ...(block === prefix ? [] : [[block, rate * clientsPerBlock] as const])] as const);
    const beyond = isBeyond(bounds);
    if (beyond !== null) {
      const detail = `Expected at most ${rate} requests a minute from one client, got more. Try again later.`;
      return { ...problem(429, 'too-many-requests', detail), retryAfterSeconds: counter.secondsLeft(beyond) };
    }
    const most = isShared ? runningPerProxy : runningPerClient;
    if (!access.isPublic() || run(prefix, most, reply)) return null;
    const detail = `Expected at most ${most} requests of one client at the same time, got more. Wait for answers.`;
    return { ...problem(429, 'too-many-requests', detail), retryAfterSeconds: 1 };
  };
}
