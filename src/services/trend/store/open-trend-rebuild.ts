import type { ComparedTable } from '../../../progress/rebuild/rebuild-place.ts';
import type { StoreLocation } from '../../../progress/store-location.ts';
import type { Projection } from '../../../projection/projection.ts';
import { comparedCounts } from './compared-counts.ts';
import { openTrendStore } from './open-trend-store.ts';
import { createTrendProjection, type CountedSearch } from '../trend-projection.ts';
import type { TrendStore } from './trend-store.ts';

/** What it takes to build the trend service's state anew: `topic` is that of searches, `projectionName` its group. */
export function openTrendRebuild(projectionName: string, topic: string) {
  return {
    projection: createTrendProjection(projectionName, topic) satisfies Projection<CountedSearch>,
    openState: (location: StoreLocation): Promise<TrendStore> =>
      openTrendStore(location, { clock: Date.now, busyTimeoutMs: 5_000, checkpointedElsewhere: false }),
    comparedTables: (
      kind: StoreLocation['kind'],
      newestMs: number,
      completeFrom: (topic: string) => number,
    ): readonly ComparedTable[] => comparedCounts(kind, newestMs, completeFrom(topic)),
  };
}
