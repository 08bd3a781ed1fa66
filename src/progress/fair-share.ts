import type { PartitionName } from './progress.ts';

export type Lease = PartitionName & {
  readonly positionId: number;
  readonly instance: string | null;
  readonly untilMs: number;
  readonly seenEnd: number;
};

/**
 * Renews this instance's leases up to its fair share, gives back those above it, and claims free ones below it. A lease
 * is free when it has expired or its owner is not among the `instances`, which include this one. A lease that ends later
 * than one taken now was taken before the clock was set back, and is not believed.
 */
export function shareLeases(
  leases: readonly Lease[],
  {
    instance,
    instances,
    nowMs,
    ttlMs,
  }: { instance: string; instances: readonly string[]; nowMs: number; ttlMs: number },
): readonly Lease[] {
  const share = Math.ceil(leases.length / instances.length);
  let kept = 0;
  const renewed = leases.map((lease) => {
    if (lease.instance !== instance) return lease;
    return kept++ < share ? { ...lease, untilMs: nowMs + ttlMs } : { ...lease, instance: null };
  });
  let wanted = share - kept;
  return renewed.map((lease) => {
    const isValid = lease.untilMs >= nowMs && lease.untilMs <= nowMs + ttlMs;
    const isFree = lease.instance === null || !isValid || !instances.includes(lease.instance);
    return isFree && wanted-- > 0 ? { ...lease, instance, untilMs: nowMs + ttlMs } : lease;
  });
}
