import { Gauge, type Registry } from 'prom-client';
import { lagSeconds, type Freshness, type LedgerRow } from './ledger.ts';

/** What is measured of a running projection. */
export type MeasuredProjection = {
  readonly freshness: () => Freshness;
  readonly ledger: () => readonly LedgerRow[];
};

/**
 * Adds a projection's ledger and lag to the metrics. For every partition, expected events = the sum of all outcomes,
 * `lag` (still to be read) included; `samsa_projection_balanced` is 0 when they differ.
 */
export function measureProjection(registry: Registry, projection: string, running: MeasuredProjection): void {
  const registers = [registry];
  const labelNames = ['projection', 'topic', 'partition'] as const;
  new Gauge({
    name: 'samsa_projection_events',
    help: 'What became of the events of each partition',
    labelNames: [...labelNames, 'outcome'],
    registers,
    collect() {
      for (const { topic, partition, outcomes, lag } of running.ledger()) {
        for (const [outcome, count] of Object.entries({ ...outcomes, lag })) {
          this.set({ projection, topic, partition, outcome }, count);
        }
      }
    },
  });
  new Gauge({
    name: 'samsa_projection_expected_events',
    help: 'Events in each partition since the projection began with it',
    labelNames,
    registers,
    collect() {
      for (const { topic, partition, first, end } of running.ledger()) {
        this.set({ projection, topic, partition }, end - first);
      }
    },
  });
  const totals = [
    [
      'balanced',
      'Whether every event is accounted for',
      () => Number(running.ledger().every(({ balanced }) => balanced)),
    ],
    ['lag_events', 'Events that are not in the state yet', () => running.freshness().lagEvents],
    [
      'lag_seconds',
      'How long ago the state was complete; NaN while nothing of a partition has been read',
      () => lagSeconds(running.freshness()) ?? Number.NaN,
    ],
  ] as const;
  for (const [name, help, read] of totals) {
    new Gauge({
      name: `samsa_projection_${name}`,
      help,
      labelNames: ['projection'],
      registers,
      collect() {
        this.set({ projection }, read());
      },
    });
  }
}
