import { Admin } from '@platformatic/kafka';
import { clientOptions, closeClient, hearErrors, type KafkaConnection } from './connection.ts';

export type NextOffset = { readonly topic: string; readonly partition: number; readonly next: number };

const goodbyeMs = 200;

/** The committed offsets of a group that has no members. */
export function openGroupOffsets(connection: KafkaConnection, groupId: string) {
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
    close: () => closeClient(admin, goodbyeMs),
  };
}
