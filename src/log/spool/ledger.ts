import type { SqliteDatabase } from '../../sqlite/connection.ts';
import { positionsPerTopic } from './file.ts';

/** What became of one topic's records in one spool: accepted = relayed + dropped + setAside + waiting, each counted by itself. */
export type SpoolLedger = {
  /** The spool's id: this process's own, or one that was left behind and is being emptied here. */
  readonly spool: string;
  readonly topic: string;
  readonly accepted: number;
  /** Acknowledged by the cluster. */
  readonly relayed: number;
  /** Lost because too much waited. */
  readonly dropped: number;
  /** Refused by the cluster for what they are, and kept in the spool with the reason. */
  readonly setAside: number;
  readonly waiting: number;
  readonly waitingBytes: number;
  /** When the longest waiting record came, in milliseconds since 1970; `null` when none waits. */
  readonly oldestMs: number | null;
};

/** Whether every record that was accepted is accounted for. */
export function isBalanced({ accepted, relayed, dropped, setAside, waiting }: SpoolLedger): boolean {
  return accepted === relayed + dropped + setAside + waiting;
}

export function readSpoolLedger(database: Pick<SqliteDatabase, 'prepare'>, spool: string): readonly SpoolLedger[] {
  const rows = database
    .prepare(
      `SELECT name, accepted, relayed, dropped, set_aside, waiting, waiting_bytes,
         (SELECT arrived_ms FROM record WHERE position >= number * ${positionsPerTopic}
            AND position < (number + 1) * ${positionsPerTopic} ORDER BY position LIMIT 1) AS oldest_ms
       FROM topic ORDER BY name`,
    )
    .all();
  return rows.map((row) => ({
    spool,
    topic: String(row['name']),
    accepted: Number(row['accepted']),
    relayed: Number(row['relayed']),
    dropped: Number(row['dropped']),
    setAside: Number(row['set_aside']),
    waiting: Number(row['waiting']),
    waitingBytes: Number(row['waiting_bytes']),
    oldestMs: row['oldest_ms'] === null ? null : Number(row['oldest_ms']),
  }));
}
