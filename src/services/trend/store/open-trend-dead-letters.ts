import type { StateOptions, StoreLocation } from '../../../progress/store-location.ts';
import { createDeadLetters, type DeadLetters } from '../../../projection/dead-letters.ts';
import { openTrendStore } from './open-trend-store.ts';
import { createTrendProjection } from '../trend-projection.ts';

/**
 * The dead letters of the trend service, which may run meanwhile: it notices what others count.
 * @throws SamsaError `state-too-new`, `data-folder-unusable`.
 */
export async function openTrendDeadLetters(
  location: StoreLocation,
  options: StateOptions & {
    /** `trend.group_id`. */
    readonly projectionName: string;
    /** The topic of searches. */
    readonly topic: string;
  },
): Promise<DeadLetters & { readonly close: () => Promise<void> }> {
  const store = await openTrendStore(location, options);
  const projection = createTrendProjection(options.projectionName, options.topic);
  return { ...createDeadLetters(store, projection), close: store.close };
}
