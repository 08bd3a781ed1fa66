import { dayMs } from '../runtime/time.ts';

/** The names of the four topics (`mq.topic`, `mq.topics.*`). */
export type TopicNames = {
  readonly searches: string;
  readonly actions: string;
  readonly changes: string;
  readonly operator: string;
};

export const defaultTopicNames: TopicNames = {
  searches: 'lr-book-searches',
  actions: 'lr-reader-actions',
  changes: 'lr-book-changes',
  operator: 'lr-operator-actions',
};

/** How long a compacted topic keeps tombstones: docs/contract.md §1. */
export const tombstoneRetentionMs = 30 * dayMs;

/** How long each topic keeps its records: docs/contract.md §1. */
export const topicRetention: Readonly<Record<keyof TopicNames, { retentionMs: number; compacted: boolean }>> = {
  searches: { retentionMs: 35 * dayMs, compacted: false },
  actions: { retentionMs: 365 * dayMs, compacted: false },
  changes: { retentionMs: 0, compacted: true },
  operator: { retentionMs: 0, compacted: false },
};
