import type { EventLog } from './log.ts';
import { openLog, type LogLocation, type LogOptions } from './open-log.ts';
import type { SpoolLedger } from './spool/file.ts';
import type { SpoolOptions, SpoolProblem } from './spool/spooled-log.ts';

export { isBalanced, readSpools, type SpoolLedger } from './spool/file.ts';
export { discardSetAside, readSetAside, sendSetAside, type SetAsideRecord } from './spool/set-aside.ts';

export type LogWithSpool = {
  /** The log itself: `append` waits for it. */
  readonly log: EventLog;
  /** What readers do: `append` is done when the records are on this machine's disk, whatever a cluster does. */
  readonly spooled: EventLog;
  /** Without rows where the log itself is on this machine's disk. */
  readonly ledger: () => readonly SpoolLedger[];
  readonly problems: () => readonly SpoolProblem[];
  readonly close: () => Promise<void>;
};

/**
 * Opens the shop's log as `openLog` does, for a service whose callers must not wait for a cluster: with a spool in front
 * where there is one. An embedded log needs none.
 * @throws SamsaError as `openLog` and `openSpooledLog`.
 */
export async function openLogWithSpool(
  location: LogLocation,
  options: LogOptions & Required<Pick<LogOptions, 'sync'>>,
  spool: Pick<SpoolOptions, 'folder' | 'limitBytes' | 'overflow' | 'onProblem' | 'onSetAside'>,
): Promise<LogWithSpool> {
  const log = await openLog(location, options);
  if (location.kind === 'sqlite') {
    return { log, spooled: log, ledger: () => [], problems: () => [], close: log.close };
  }
  try {
    const { openSpooledLog } = await import('./spool/spooled-log.ts');
    const topics = [location.topics.searches, location.topics.actions];
    const spooled = await openSpooledLog(log, { ...options, ...spool, topics, kafka: location });
    return { log, spooled, ledger: spooled.ledger, problems: spooled.problems, close: spooled.close };
  } catch (error) {
    await log.close();
    throw error;
  }
}
