import type { StateOptions, StoreLocation } from '../../../progress/store-location.ts';
import type { TopicNames } from '../../../events/topics.ts';
import { createDeadLetters, type DeadLetters } from '../../../projection/dead-letters.ts';
import { openRecommendationStore } from './open-recommendation-store.ts';
import { createRecommendationProjection } from '../recommendation-projection.ts';

/**
 * The dead letters of the recommendation service, which may run meanwhile: it asks the store for every answer.
 * @throws SamsaError `state-too-new`, `data-folder-unusable`.
 */
export async function openRecommendationDeadLetters(
  location: StoreLocation,
  options: StateOptions & {
    /** `recommendation.group_id`. */
    readonly projectionName: string;
    readonly topics: TopicNames;
  },
): Promise<DeadLetters & { readonly close: () => Promise<void> }> {
  const store = await openRecommendationStore(location, options);
  const projection = createRecommendationProjection(options.projectionName, options.topics);
  return { ...createDeadLetters(store, projection), close: store.close };
}
