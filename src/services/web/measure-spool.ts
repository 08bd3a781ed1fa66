import { Gauge, type Registry } from 'prom-client';
import { isBalanced, type LogWithSpool } from '../../log/open-log-with-spool.ts';

/**
 * Adds to the metrics what became of the records in each spool: accepted = relayed + dropped + set aside + waiting, each
 * counted by itself since the spool was made.
 */
export function measureSpool(registry: Registry, ledger: LogWithSpool['ledger']): void {
  new Gauge({
    name: 'samsa_spool_events',
    help: 'Events in the spool: accepted = relayed + dropped + set_aside + waiting',
    labelNames: ['spool', 'topic', 'outcome'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { spool, topic, accepted, relayed, dropped, setAside, waiting } of ledger()) {
        for (const [outcome, count] of Object.entries({ accepted, relayed, dropped, set_aside: setAside, waiting })) {
          this.set({ spool, topic, outcome }, count);
        }
      }
    },
  });
  new Gauge({
    name: 'samsa_spool_waiting_bytes',
    help: 'Bytes of keys, values and headers that wait in the spool',
    labelNames: ['spool', 'topic'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { spool, topic, waitingBytes } of ledger()) this.set({ spool, topic }, waitingBytes);
    },
  });
}

/** Reason codes for readiness. */
export function spoolProblems({ ledger, problems }: Pick<LogWithSpool, 'ledger' | 'problems'>): readonly string[] {
  return [...problems().map(({ code }) => code), ...(ledger().every(isBalanced) ? [] : ['unbalanced'])];
}
