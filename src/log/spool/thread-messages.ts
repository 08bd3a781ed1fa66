import type { KafkaConnection } from '../kafka/connection.ts';
import type { PlainError } from '../../runtime/worker-link.ts';
import type { SpoolLedger } from './ledger.ts';

/** What the relay's thread is started with. */
export type SpoolThreadData = {
  readonly id: string;
  readonly path: string;
  readonly folder: string;
  readonly kafka: KafkaConnection;
  /** As `SpoolRelayOptions`. */
  readonly dropBeyondBytes: number | null;
};

/** What it says twice a second. */
export type SpoolThreadState = {
  readonly trouble: PlainError | null;
  /** Of the spools that others left behind. */
  readonly adopted: readonly SpoolLedger[];
};

/** Names the signal that records or topics have come into a spool. */
export function spoolSignalName(id: string): string {
  return `samsa spool ${id}`;
}
