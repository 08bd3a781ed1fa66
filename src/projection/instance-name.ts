import { hash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * The space in which a process id is unique: this boot of this machine, and the container. A host name is not enough,
 * since containers on different machines may share one. `null` if the system does not tell.
 */
const here = processSpace();

/** `<service>@<host>:<space>:<process id>-<random>`: no two processes or threads ever share one. */
export function instanceName(service: string): string {
  return `${service}@${hostname()}:${here ?? '-'}:${process.pid}-${randomBytes(6).toString('base64url')}`;
}

/**
 * Returns true when that instance was a process on this machine and has exited, so that its leases are free at once.
 * False whenever that is not certain.
 */
export function isGone(instance: string): boolean {
  const [, space, pid] = /:([\da-f]+):(\d+)-[\w-]+$/.exec(instance) ?? [];
  if (here === null || space !== here || pid === undefined) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function processSpace(): string | null {
  try {
    const startOfMachine = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
    const container = readlinkSync('/proc/self/ns/pid');
    return hash('sha256', `${startOfMachine}${container}`, 'hex').slice(0, 16);
  } catch {
    return null;
  }
}
