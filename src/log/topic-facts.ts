/** How a topic is kept. */
export type TopicFacts = {
  readonly partitions: number;
  /** Copies of each partition; `null` where the log is one file. */
  readonly replication: number | null;
  /** 0 = for ever. */
  readonly retentionMs: number;
  /** Whether only the last record of each key is kept. */
  readonly compacted: boolean;
};

export type OpenTopicFacts = {
  /**
   * `null` when there is no such topic.
   * @throws SamsaError `log-unavailable`, retryable unless a cluster does not let us look.
   */
  readonly of: (topic: string) => Promise<TopicFacts | null>;
  readonly close: () => Promise<void>;
};
