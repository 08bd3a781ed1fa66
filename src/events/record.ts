/** Header names with their bytes as they stand in the log, in order; a name may repeat. */
export type RecordHeaders = readonly (readonly [name: string, value: Uint8Array])[];

/** The same to go through; a log may make them only then, anew each time. */
export type StoredHeaders = Iterable<RecordHeaders[number]> & { readonly length: number };

/** A record on its way into the log. */
export type NewRecord = {
  readonly topic: string;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: RecordHeaders;
};

/** A record as the log keeps it. */
export type StoredRecord = Omit<NewRecord, 'headers'> & {
  readonly headers: StoredHeaders;
  readonly partition: number;
  readonly offset: number;
  /** When the log took it (its arrival), in milliseconds since 1970. When it happened stands in the envelope. */
  readonly timestamp: number;
};
