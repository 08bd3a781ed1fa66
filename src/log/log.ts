import type { NewRecord, StoredRecord } from '../events/record.ts';

/**
 * Where events are kept: topics of numbered partitions. A partition is a growing sequence of records with consecutive
 * offsets from 0; an offset is never used twice, even after its record has expired.
 *
 * Not promised: an order between partitions; and when a process dies inside `append`, its records may be appended twice
 * (projections drop such repeats by source and sequence).
 */
export interface EventLog {
  /**
   * Appends records, and resolves when all of them are durable as configured. They may become readable later; only
   * reading tells their offsets. Records of one partition keep their order, within a call and between calls. A record's
   * partition is chosen by its key (`topic-rules.ts`). Records without a key may go to any partition.
   * @throws SamsaError `topic-unknown`, `log-closed`, `bad-event` when the store refuses a record because of its
   *   content or size, or `log-unavailable` (retryable). Then nothing of the call was appended, except when `close`
   *   stopped waiting for it.
   */
  append(records: readonly NewRecord[]): Promise<void>;

  /**
   * Reads one partition from an offset on. It returns at least one record if there is one; else it waits for one, and
   * returns none after `waitMs` or when `signal` fires. From below the start it reads from the start (the first offset
   * shows the gap). From above the end it returns at once, with no records and `end` below `from`.
   * @throws SamsaError `topic-unknown`; `topic-replaced` when the topic no longer has this id; `log-closed`;
   *   `log-unavailable` (retryable).
   */
  read(request: ReadRequest): Promise<ReadResult>;

  /** The topic's id, and the start and end of each partition. @throws SamsaError `topic-unknown`. */
  describe(topic: string): Promise<TopicDescription>;

  /** Creates a topic. An existing one keeps its id, partitions and settings. */
  create(topic: string, settings: TopicSettings): Promise<void>;

  /** Waits for appends in progress, ends waiting reads, and frees every resource. May be called twice. */
  close(): Promise<void>;
}

export type ReadRequest = {
  readonly topic: string;
  /** From `describe`: a topic that was deleted and created again has another one. */
  readonly topicId: string;
  readonly partition: number;
  readonly from: number;
  /** A soft bound on keys, values and headers together. One record is returned whatever its size. */
  readonly maxBytes: number;
  readonly waitMs: number;
  readonly signal: AbortSignal;
};

export type ReadResult = {
  readonly records: readonly StoredRecord[];
  /** The offset to read from next: behind the last record, and behind everything skipped or compacted after it. */
  readonly next: number;
  /**
   * Offsets between `from` and `next` that hold no record for readers: ends of transactions, and records of aborted
   * transactions. Ascending ranges that do not touch. Offsets that expiry or compaction removed are not listed. In a
   * topic without compaction, an offset above `start` that is neither among the records nor listed here was not read.
   */
  readonly skipped: readonly OffsetRange[];
  /** The oldest offset still kept. */
  readonly start: number;
  /** The offset the next appended record will get. */
  readonly end: number;
};

/** From `from` up to but not including `to`. */
export type OffsetRange = { readonly from: number; readonly to: number };

export type TopicDescription = {
  /** Unique: a topic that is created again under the same name gets another id. */
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

/** Shows how topics are kept. Changes nothing. */
export type OpenTopicFacts = {
  /**
   * `null` when there is no such topic.
   * @throws SamsaError `log-unavailable`, retryable unless a cluster does not let us look.
   */
  readonly of: (topic: string) => Promise<TopicFacts | null>;
  readonly close: () => Promise<void>;
};
