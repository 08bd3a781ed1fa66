import type { Config } from '../../config/config.ts';
import { SamsaError } from '../../errors.ts';
import type { ServiceName } from '../command-context.ts';

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Whether every service of the shop is bound to loopback. */
export function isLocal({ app, trend, recommendation }: Config): boolean {
  return [app, trend, recommendation].every(({ host }) => isLoopback(host));
}

/** The line to print at the start when the shop is open; empty when it is not. */
export function openModeNotice(config: Config): readonly string[] {
  const { operatorToken, trustProxy } = config.app;
  if (operatorToken !== null || trustProxy.length > 0 || !isLocal(config)) return [];
  return [
    'open mode       everybody who reaches these ports, also through a proxy on this machine, may change books; ' +
      'set app.operator_token to close it',
  ];
}

/** An idle shop has about 80 open, and one more for each connection. */
const neededDescriptors = 128;
const enoughDescriptors = 1_024;

/**
 * A line when this process may open only few files and connections, on Linux; else none.
 * @throws SamsaError `bad-configuration` when they are too few to start.
 */
export function descriptorNotice(limits: string): readonly string[] {
  const most = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.NaN);
  if (!(most < enoughDescriptors)) return [];
  const line = `this process may open only ${most} files and connections: raise the limit to ${enoughDescriptors} or more (ulimit -n)`;
  if (most < neededDescriptors) throw new SamsaError('bad-configuration', line);
  return [`samsa: ${line}, or some requests and events will fail`];
}

/** Two services of one process cannot listen at the same address. @throws SamsaError `bad-configuration` */
export function requireOwnPorts({ app, trend, recommendation }: Config): void {
  const listening = Object.entries({ app, trend, recommendation }).filter(([, { port }]) => port !== 0);
  for (const [at, [section, { host, port }]] of listening.entries()) {
    const hosts = [host, '0.0.0.0', '::'];
    const other = listening.slice(0, at).find(([, one]) => {
      return one.port === port && (hosts.includes(one.host) || hosts.slice(1).includes(host));
    });
    if (other === undefined) continue;
    throw new SamsaError(
      'bad-configuration',
      `${other[0]}.port and ${section}.port: expected different ports for services of one process, got ${port} twice.`,
    );
  }
}

/**
 * Services that reach each other over a network prove who they are with `app.secret`, so it must be the same for all.
 * @throws SamsaError `bad-configuration`
 */
export function requireSharedSecret(name: ServiceName, config: Config): void {
  const { app, trend, recommendation, remote, data } = config;
  if (app.secret !== null) return;
  const served = { app, trend, recommendation };
  const sections = { all: Object.keys(served), web: ['app'], trend: ['trend'], recommendation: ['recommendation'] }[
    name
  ];
  const exposed = Object.entries(served).filter(
    ([section, { host }]) => sections.includes(section) && !isLoopback(host),
  );
  const distant = Object.entries(remote).filter(
    ([, url]) => !isLoopback(new URL(url).hostname.replace(/^\[|\]$/g, '')),
  );
  const reasons = exposed.map(([section, { host }]) => `${section}.host is ${host}`);
  if (name === 'web') reasons.push(...distant.map(([, url]) => `the shop asks ${url}`));
  if (reasons.length === 0) return;
  throw new SamsaError(
    'bad-configuration',
    `app.secret: expected a secret that all services share, because ${reasons.join(' and ')}; got none. Set ` +
      `app.secret or SAMSA_APP_SECRET to at least 16 random characters, the same for every service (the one that ` +
      `this shop has used so far is in ${data}/secret, if that file exists).`,
  );
}
