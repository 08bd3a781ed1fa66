import { Admin } from '@platformatic/kafka';
import { pause } from '../../runtime/waiting.ts';
import { clientOptions, closeClient, hearErrors, type KafkaConnection } from './connection.ts';

export type NextOffset = { readonly topic: string; readonly partition: number; readonly next: number };

export type ShownOffsetsOptions = {
  /** The offsets are published under `samsa-<group id>`: another program may read on from those of `<group id>`. */
  readonly groupId: string;
  /** Where every partition stands now. */
  readonly offsets: () => readonly NextOffset[];
  /** 5,000 unless given. */
  readonly everyMs?: number;
};

const closeMs = 200;

/** The committed offsets of a group that has no members. */
function openGroupOffsets(connection: KafkaConnection, groupId: string) {
  const admin = new Admin(clientOptions(connection));
  hearErrors(admin);
  return {
    /** @returns whether the brokers took them. */
    commit: async (offsets: readonly NextOffset[]): Promise<boolean> => {
      const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, of]) => ({
        name,
        partitionOffsets: of.map(({ partition, next }) => ({ partition, offset: BigInt(next) })),
      }));
      try {
        await admin.alterConsumerGroupOffsets({ groupId, topics });
        return true;
      } catch {
        return false;
      }
    },
    close: () => closeClient(admin, closeMs),
  };
}

/** As `openShownOffsets`, in a cluster. Resolves when `signal` has fired. */
export async function showInGroup(
  connection: KafkaConnection,
  { groupId, offsets, everyMs = 5_000 }: ShownOffsetsOptions,
  signal: AbortSignal,
): Promise<void> {
  const group = openGroupOffsets(connection, `samsa-${groupId}`);
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
