import { rowText, type ComparedTable, type StateOptions, type StoreLocation } from '../../progress/state.ts';
import { topicRetention, type TopicNames } from '../../events/topics.ts';
import { createDeadLetters, type DeadLetters } from '../../projection/dead-letters.ts';
import { dayMs } from '../../runtime/time.ts';
import { createRecommendationProjection } from './recommendation-projection.ts';
import type { BookRenewal, RecommendationStore } from './store/recommendation-store.ts';
import { openSqliteRecommendationStore } from './store/sqlite/recommendation-store.ts';

/**
 * Opens the state of the recommendation service. The database driver is loaded only if the shop uses a database.
 * @throws SamsaError `state-too-new`, `data-folder-unusable`, and what `openMysql` throws.
 */
export async function openRecommendationStore(
  location: StoreLocation,
  options: StateOptions & { readonly books?: BookRenewal },
): Promise<RecommendationStore> {
  if (location.kind === 'sqlite') return openSqliteRecommendationStore(location.path, options);
  const { openMysqlRecommendationStore } = await import('./store/mysql/recommendation-store.ts');
  return openMysqlRecommendationStore(location, options);
}

/**
 * The dead letters of the recommendation service. The service may run meanwhile, since it reads the store for every
 * answer.
 * @param options `projectionName` is `recommendation.group_id`.
 * @throws SamsaError `state-too-new`, `data-folder-unusable`.
 */
export async function openRecommendationDeadLetters(
  location: StoreLocation,
  options: StateOptions & { readonly projectionName: string; readonly topics: TopicNames },
): Promise<DeadLetters & { readonly close: () => Promise<void> }> {
  const store = await openRecommendationStore(location, options);
  const projection = createRecommendationProjection(options.projectionName, options.topics);
  return { ...createDeadLetters(store, projection), close: store.close };
}

/** What a rebuild of this state needs; `projectionName` is `recommendation.group_id`. */
export function openRecommendationRebuild(projectionName: string, topics: TopicNames) {
  return {
    projection: createRecommendationProjection(projectionName, topics),
    openState: (location: StoreLocation): Promise<RecommendationStore> =>
      openRecommendationStore(location, { clock: Date.now, busyTimeoutMs: 5_000, checkpointedElsewhere: false }),
    comparedTables: (
      kind: StoreLocation['kind'],
      newestMs: number,
      completeFrom: (topic: string) => number,
    ): readonly ComparedTable[] =>
      comparedTables(kind, newestMs, {
        searches: completeFrom(topics.searches),
        actions: completeFrom(topics.actions),
      }),
  };
}

/**
 * What must be equal in both states. Left out: what one of them may have forgotten when `newestMs` had arrived, what
 * happened before its topic begins, and removed books, which compaction may have deleted.
 */
function comparedTables(
  dialect: StoreLocation['kind'],
  newestMs: number,
  completeFromMs: { readonly searches: number; readonly actions: number },
): readonly ComparedTable[] {
  const tomorrowMs = (Math.floor(newestMs / dayMs) + 1) * dayMs;
  const since = (topic: 'searches' | 'actions'): readonly number[] => [
    Math.max(tomorrowMs - topicRetention[topic].retentionMs, completeFromMs[topic]),
  ];
  const table = (
    name: string,
    columns: readonly string[],
    where: string,
    values: readonly number[],
  ): ComparedTable => ({
    name,
    rows: (schema) => `SELECT ${rowText(dialect, ...columns)} FROM ${schema}.${name} WHERE ${where}`,
    values,
  });
  return [
    table('book', ['id', 'version', 'content'], 'content IS NOT NULL', []),
    table('liking', ['reader', 'book', 'strength', 'time_ms'], 'time_ms >= ?', since('actions')),
    table('verdict', ['reader', 'book', 'verdict', 'holds', 'time_ms', 'tie_break'], 'time_ms >= ?', since('actions')),
    table('search', ['reader', 'query_hash', 'books', 'time_ms', 'tie_break'], 'time_ms >= ?', since('searches')),
    table('forgotten', ['reader', 'until_ms'], 'until_ms >= ?', since('actions')),
  ];
}
