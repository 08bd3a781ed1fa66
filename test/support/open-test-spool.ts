import { openKafkaLog } from '../../src/log/kafka/log.ts';
import { openSpooledLog, type SpooledLog, type SpoolOptions } from '../../src/log/spool/spooled-log.ts';
import { until } from './until.ts';

/** A spooled log for a test; `brokers`, `folder` and `topics` differ from test to test. */
export function openTestSpool(
  options: { readonly brokers: readonly string[] } & Pick<SpoolOptions, 'folder' | 'topics'> & Partial<SpoolOptions>,
): Promise<SpooledLog> {
  const { brokers, ...own } = options;
  const kafka = { brokers, clientId: 'samsa' };
  return openSpooledLog(openKafkaLog({ ...kafka, clock: Date.now }), {
    kafka,
    clock: Date.now,
    busyTimeoutMs: 50,
    sync: 'normal',
    limitBytes: 64 << 20,
    overflow: 'drop-oldest',
    onProblem: () => {},
    onSetAside: () => {},
    ...own,
  });
}

/** Resolves when no event is waiting, here or in adopted spools. */
export async function untilRelayed(log: SpooledLog, withinMs = 60_000): Promise<void> {
  await until('nothing waits in the spool', () => log.ledger().every(({ waiting }) => waiting === 0), withinMs);
}
