/** Header names with their bytes as they stand in the log, in order; a name may repeat. */
export type RecordHeaders = readonly (readonly [name: string, value: Uint8Array])[];

/** A record on its way into the log. */
export type NewRecord = {
  readonly topic: string;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: RecordHeaders;
};

/** A record as the log keeps it. */
export type StoredRecord = NewRecord & {
  readonly partition: number;
  readonly offset: number;
  /** When the log took it (its arrival), in milliseconds since 1970. When it happened stands in the envelope. */
  readonly timestamp: number;
};
