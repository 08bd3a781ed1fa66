import type { ErrorCode } from '../../errors.ts';
import type { KafkaConnection } from '../kafka/connection.ts';
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

/** What it says twice a second. It is told one thing: to close, whatever the message. */
export type SpoolThreadState = {
  readonly trouble: { readonly code: ErrorCode; readonly message: string } | null;
  /** Of the spools that others left behind. */
  readonly adopted: readonly SpoolLedger[];
};

/** Of the bell that is rung when records or topics come into a spool. */
export function spoolBellName(id: string): string {
  return `samsa spool ${id}`;
}
