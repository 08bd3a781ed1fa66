import type { SamsaError } from '../errors.ts';
import type { KafkaConnection } from './kafka-connection.ts';
import type { EventLog } from './log.ts';

export type SpoolOptions = {
  /** Where the spools of all processes on this data folder lie; made if it is not there. */
  readonly folder: string;
  /** The topics that may be appended to, also while no broker can say whether they exist. */
  readonly topics: readonly string[];
  /** The cluster that `log` is kept in: the relay is a client of its own, on a thread of its own. */
  readonly kafka: KafkaConnection;
  readonly clock: () => number;
  /** How long one attempt to write may block this thread; at most 50 where requests are answered. */
  readonly busyTimeoutMs: number;
  /** `normal` survives a killed process, `full` a power cut. */
  readonly sync: 'normal' | 'full';
  /** How many bytes of keys, values and headers may wait for the cluster. */
  readonly limitBytes: number;
  readonly overflow: SpoolOverflow;
  /** Told why records are not relayed, once per kind of trouble, and `null` when they are again. */
  readonly onProblem: (problem: SamsaError | null) => void;
};

/** What is lost when more than `limitBytes` wait. Records on their way to the cluster are never dropped. */
export type SpoolOverflow = 'drop-oldest' | 'drop-newest';

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

/** Why records wait longer than they should; `why` is for people. */
export type SpoolProblem = { readonly code: 'spooling'; readonly why: string };

export type SpooledLog = EventLog & {
  /** Names the spool file of this process; no other process that runs now has the same. */
  readonly id: string;
  readonly ledger: () => readonly SpoolLedger[];
  /** None while records reach the cluster within about two seconds. */
  readonly problems: () => readonly SpoolProblem[];
};

/**
 * A Kafka log with a spool in front: `append` is done when the records are durable in a local SQLite file, whatever the
 * cluster does. A relay sends them on in order, however long that takes, and removes them once acknowledged. Reading,
 * `describe` and `create` go to `log`, which `close` closes, too.
 *
 * Takes over a spool that no running process has, else makes one; while it runs, spools that others left behind are
 * adopted and emptied. A record may be appended to the cluster twice when a process dies between acknowledgement and
 * removal; it then has the partition of its first attempt, also where partitions were added since.
 *
 * `append` throws `topic-unknown` for topics neither among `topics` nor made with `create`; `spool-full` (not
 * retryable) when the records were dropped because too much waits; and what the SQLite log throws.
 * `close` waits at most three seconds for the cluster; what it has not acknowledged stays for the next opening.
 * @throws SamsaError `data-folder-unusable`, `state-too-new`, `store-unavailable`.
 */
export declare function openSpooledLog(log: EventLog, options: SpoolOptions): Promise<SpooledLog>;
