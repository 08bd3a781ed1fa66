import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/** `<service>@<host>:<process id>-<random>`: no two processes or threads ever share one. */
export function instanceName(service: string): string {
  return `${service}@${hostname()}:${process.pid}-${randomBytes(6).toString('base64url')}`;
}

/**
 * Whether an instance was a process of this machine that is not running any more, so that nobody need wait for its
 * leases to run out. False whenever that is not certain.
 */
export function isGone(instance: string): boolean {
  const [, host, pid] = /@(.+):(\d+)-[\w-]+$/.exec(instance) ?? [];
  if (host !== hostname() || pid === undefined) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
