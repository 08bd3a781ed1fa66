import type { Config } from '../../config/config.ts';
import type { StateOptions, StoreLocation } from '../../progress/state.ts';
import { describeRecommendationState, openRecommendationStore } from '../../services/recommendation/state.ts';
import { describeTrendState, openTrendStore } from '../../services/trend/state.ts';
import { stateLocation } from './shop-locations.ts';

const options: StateOptions = { clock: Date.now, busyTimeoutMs: 5_000, checkpointedElsewhere: false };

/** The state of the trend service, to be rebuilt, moved or repaired. */
export function trendState(config: Config) {
  return {
    ...describeTrendState(config.trend.groupId, config.mq.topics),
    what: 'trend',
    location: stateLocation(config, 'trend'),
    openState: (location: StoreLocation) => openTrendStore(location, options),
  };
}

/** The state of the recommendation service, likewise. */
export function recommendationState(config: Config) {
  return {
    ...describeRecommendationState(config.recommendation.groupId, config.mq.topics),
    what: 'recommendation',
    location: stateLocation(config, 'recommendation'),
    openState: (location: StoreLocation) => openRecommendationStore(location, options),
  };
}
