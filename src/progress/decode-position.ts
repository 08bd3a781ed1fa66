import type { PartitionPosition } from './progress.ts';

/** What a row of `selectPosition` says, which calls its columns the same in every kind of store. */
export function decodePosition(row: Readonly<Record<string, unknown>>): PartitionPosition {
  const number = (column: string): number => Number(row[column]);
  // A file gives text, a database its bytes.
  const textOrNull = (column: string): string | null => (row[column] as string | Buffer | null)?.toString() ?? null;
  return {
    topic: String(row['topic']),
    partition: number('partition'),
    topicId: String(row['topic_id']),
    first: number('first'),
    next: number('next'),
    end: number('log_end'),
    arrivedMs: number('arrived_ms'),
    fingerprint: textOrNull('fingerprint'),
    outcomes: {
      applied: number('applied'),
      duplicate: number('duplicate'),
      dead: number('dead'),
      late: number('late'),
      gap: number('gap'),
      compacted: number('compacted'),
    },
    instance: textOrNull('instance'),
  };
}
