import { Gauge, type Registry } from 'prom-client';
import type { LogWithSpool } from '../../log/open-log.ts';
import { isBalanced } from '../../log/spool/spool-file.ts';
import { measureProjection } from '../../projection/measure-projection.ts';
import type { SearchPublisher } from './search/publish-search.ts';
import type { SearchIndex } from './search/search-index.ts';
import { searchProjectionName } from './search/index/search-projection.ts';

type Monitored = {
  readonly events: Pick<LogWithSpool, 'ledger' | 'problems'>;
  readonly index: SearchIndex;
  readonly publisher: SearchPublisher;
};

/** Adds the metrics of the search index, of the spools, and of the events of searches. */
export function measureWeb(registry: Registry, { events, index, publisher }: Monitored): void {
  measureSpool(registry, events.ledger);
  measureProjection(registry, searchProjectionName, index);
  new Gauge({
    name: 'samsa_search_events',
    help: 'Searches since the start: accepted = published + dropped + waiting',
    labelNames: ['outcome'],
    registers: [registry],
    collect() {
      for (const [outcome, count] of Object.entries(publisher.ledger())) this.set({ outcome }, count);
    },
  });
  new Gauge({
    name: 'samsa_search_events_in_memory',
    help: 'Searches that were answered while their event is not on disk yet: a kill would lose it',
    registers: [registry],
    collect() {
      this.set(publisher.waiting());
    },
  });
}

/**
 * Counts the records of each spool since it was made: accepted = relayed + dropped + set aside + waiting. Each number
 * is counted independently of the others.
 */
function measureSpool(registry: Registry, ledger: LogWithSpool['ledger']): void {
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

/** Readiness reasons of the spools. */
export function spoolProblems({ ledger, problems }: Pick<LogWithSpool, 'ledger' | 'problems'>): readonly string[] {
  return [...problems().map(({ code }) => code), ...(ledger().every(isBalanced) ? [] : ['unbalanced'])];
}

/** Readiness reasons of the search publisher. */
export function publisherProblems(publisher: SearchPublisher): readonly string[] {
  const { accepted, published, dropped, waiting } = publisher.ledger();
  return [
    ...(publisher.waiting() > 0 ? ['not-durable'] : []),
    ...(accepted === published + dropped + waiting ? [] : ['unbalanced']),
  ];
}
