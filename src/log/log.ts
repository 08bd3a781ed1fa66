import type { NewRecord, StoredRecord } from '../events/record.ts';

/**
 * Where events are kept: topics of numbered partitions, each an ever-growing sequence of records with consecutive
 * offsets from 0. Offsets are never given twice, also after old records have expired.
 *
 * Not promised: any order between partitions, and that a record is appended at most once when a process dies inside
 * `append` (projections drop such repeats by source and sequence).
 */
export interface EventLog {
  /**
   * Appends records and resolves once all of them are durable as configured, be it where they only wait to be read
   * later: which offset a record got is learned by reading. Records of one partition keep the order
   * in which they were given, across calls too. A record's partition is the Java client's: murmur2 of the key, modulo
   * the number of partitions; records without a key may go anywhere.
   * @throws SamsaError `topic-unknown`, `log-closed`, `bad-event` when the store refuses a record for what it is, or
   *   `log-unavailable` (retryable; nothing of the call appended, unless `close` did not wait for it any longer).
   */
  append(records: readonly NewRecord[]): Promise<void>;

  /**
   * Reads one partition from an offset on: at least one record if one is there, else as soon as one comes, else none
   * after `waitMs` or when `signal` fires. Below the start it begins at the start (the caller sees the gap in the first
   * offset); above the end it answers at once with no records and `end` below `from`.
   * @throws SamsaError `topic-unknown`; `topic-replaced` when the topic no longer has this id; `log-closed`;
   *   `log-unavailable` (retryable).
   */
  read(request: ReadRequest): Promise<ReadResult>;

  /** The topic's identity and each partition's ends. @throws SamsaError `topic-unknown`. */
  describe(topic: string): Promise<TopicDescription>;

  /** Makes a topic; one that exists keeps its partitions and id. */
  create(topic: string, settings: TopicSettings): Promise<void>;

  /** Waits for appends under way, ends waiting reads, and lets go of every resource. May be called twice. */
  close(): Promise<void>;
}

export type ReadRequest = {
  readonly topic: string;
  /** From `describe`, so that a topic deleted and made anew is noticed. */
  readonly topicId: string;
  readonly partition: number;
  readonly from: number;
  /** A soft bound on keys, values and headers together; one record is always given. */
  readonly maxBytes: number;
  readonly waitMs: number;
  readonly signal: AbortSignal;
};

export type ReadResult = {
  readonly records: readonly StoredRecord[];
  /** The offset to read from next: beyond the last record, and beyond what was skipped or compaction removed after it. */
  readonly next: number;
  /**
   * Offsets that never hold a record for readers, as the log knows for sure: ends of transactions, and what was given up
   * in one. Ascending, none touching another; what lies before where the read began or beyond `next` does not count.
   * Not promised for what expiry or compaction removed: in a topic without compaction, an offset above `start` that is
   * neither among the records nor named here was not read.
   */
  readonly skipped: readonly OffsetRange[];
  /** The oldest offset still kept. */
  readonly start: number;
  /** The offset the next appended record will get. */
  readonly end: number;
};

/** From `from` on, without `to`. */
export type OffsetRange = { readonly from: number; readonly to: number };

export type TopicDescription = {
  /** Different for every topic ever made, also under the same name. */
  readonly id: string;
  /** By partition number. */
  readonly partitions: readonly { readonly start: number; readonly end: number }[];
};

export type TopicSettings = {
  readonly partitions: number;
  /** 0 = kept for ever. */
  readonly retentionMs: number;
  /** Whether only the last record of each key need be kept. */
  readonly compacted: boolean;
};

/** How a topic is kept, as found. */
export type TopicFacts = {
  readonly partitions: number;
  /** Copies of each partition; `null` where the log is one file. */
  readonly replication: number | null;
  /** 0 = for ever. */
  readonly retentionMs: number;
  /** Whether only the last record of each key is kept. */
  readonly compacted: boolean;
};

/** To look how topics are kept, changing nothing. */
export type OpenTopicFacts = {
  /**
   * `null` when there is no such topic.
   * @throws SamsaError `log-unavailable`, retryable unless a cluster does not let us look.
   */
  readonly of: (topic: string) => Promise<TopicFacts | null>;
  readonly close: () => Promise<void>;
};
