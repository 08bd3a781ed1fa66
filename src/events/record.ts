/** Header names with their bytes, in order; a name may repeat. */
export type RecordHeaders = readonly (readonly [name: string, value: Uint8Array])[];

/** The same, to iterate over; a log may decode them lazily, again for each iteration. */
export type StoredHeaders = Iterable<RecordHeaders[number]> & { readonly length: number };

/** A record to append. */
export type NewRecord = {
  readonly topic: string;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: RecordHeaders;
  /** When it arrived in the log that it is moved from, ms since 1970. Else a log stamps it with its own clock. */
  readonly arrivedMs?: number;
};

/** A record as the log returns it. */
export type StoredRecord = Omit<NewRecord, 'headers' | 'arrivedMs'> & {
  readonly headers: StoredHeaders;
  readonly partition: number;
  readonly offset: number;
  /** When the log stored it (its arrival), in ms since 1970. When it happened is in the envelope. */
  readonly timestamp: number;
};
