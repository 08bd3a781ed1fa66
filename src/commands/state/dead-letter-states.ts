import type { Config } from '../../config/config.ts';
import type { KeptDeadLetter } from '../../progress/dead-letter-book.ts';
import { openStateReader } from '../../progress/open-state.ts';
import type { StoreLocation } from '../../progress/state.ts';
import { eachDeadLetter, type DeadLetters } from '../../projection/dead-letters.ts';
import { openRecommendationDeadLetters } from '../../services/recommendation/state.ts';
import { openTrendDeadLetters } from '../../services/trend/state.ts';
import type { Selection } from './dead-letter-selection.ts';
import { stateLocation, stateLocations } from './shop-places.ts';

const busyTimeoutMs = 5_000;

/** Opens the projections of trend and recommendation. The search index is private to each web node and not included. */
export async function openProjections(config: Config, stack: AsyncDisposableStack): Promise<readonly DeadLetters[]> {
  const { topics } = config.mq;
  const shared = { clock: Date.now, busyTimeoutMs, checkpointedElsewhere: false };
  const opened: DeadLetters[] = [];
  const keep = (letters: DeadLetters & { readonly close: () => Promise<void> }): void => {
    stack.defer(letters.close);
    opened.push(letters);
  };
  const [trend, recommendation] = [stateLocation(config, 'trend'), stateLocation(config, 'recommendation')];
  if (await isThere(trend)) {
    const projectionName = config.trend.groupId;
    keep(await openTrendDeadLetters(trend, { ...shared, projectionName, topics }));
  }
  if (await isThere(recommendation)) {
    const projectionName = config.recommendation.groupId;
    keep(await openRecommendationDeadLetters(recommendation, { ...shared, projectionName, topics }));
  }
  return opened;
}

/** Checks before opening, since opening a state creates it. */
async function isThere(location: StoreLocation): Promise<boolean> {
  const state = await openStateReader(location);
  await state?.close();
  return state !== null;
}

/** Dead letters of every projection, including the search index. */
export async function* readLetters(
  config: Config,
  { projection, filter }: Selection,
  status?: KeptDeadLetter['status'],
): AsyncIterable<KeptDeadLetter> {
  for (const { location } of stateLocations(config)) {
    const state = await openStateReader(location);
    if (state === null) continue;
    try {
      yield* eachDeadLetter(state.deadLetters, {
        ...filter,
        ...(projection !== undefined && { projection }),
        ...(status !== undefined && { status }),
      });
    } finally {
      await state.close();
    }
  }
}
