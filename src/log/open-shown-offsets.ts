import { pause } from '../runtime/waiting.ts';
import type { KafkaConnection } from './kafka/connection.ts';
import type { NextOffset } from './kafka/group-offsets.ts';
import type { LogLocation } from './open-log.ts';

export type ShownOffsetsOptions = {
  /** The consumer group under which people look for them. */
  readonly groupId: string;
  /** Where every partition stands now. */
  readonly offsets: () => readonly NextOffset[];
  /** 5,000 unless given. */
  readonly everyMs?: number;
};

/**
 * Tells a cluster now and then how far a projection has read, as the committed offsets of a group without members, so
 * that the usual tools show its lag. Nothing here ever reads them back. When brokers refuse, or other members are in the
 * group, nothing is shown until they take it again. An embedded log has nobody to tell.
 */
export function openShownOffsets(
  location: LogLocation,
  options: ShownOffsetsOptions,
): { readonly close: () => Promise<void> } {
  if (location.kind !== 'kafka') return { close: async () => {} };
  const stopping = new AbortController();
  const showing = showInGroup(location, options, stopping.signal);
  return {
    close: () => {
      stopping.abort();
      return showing;
    },
  };
}

async function showInGroup(
  connection: KafkaConnection,
  { groupId, offsets, everyMs = 5_000 }: ShownOffsetsOptions,
  signal: AbortSignal,
): Promise<void> {
  const { openGroupOffsets } = await import('./kafka/group-offsets.ts');
  const group = openGroupOffsets(connection, groupId);
  let shown = new Map<string, number>();
  while (!signal.aborted) {
    const moved = offsets().filter(({ topic, partition, next }) => shown.get(`${topic}/${partition}`) !== next);
    if (moved.length > 0 && (await group.commit(moved))) {
      shown = new Map([
        ...shown,
        ...moved.map(({ topic, partition, next }) => [`${topic}/${partition}`, next] as const),
      ]);
    }
    await pause(everyMs, signal);
  }
  await group.close();
}
