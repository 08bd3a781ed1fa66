import type { ComparedTable } from '../../../progress/rebuild/rebuild-place.ts';
import { rowText } from '../../../progress/mysql/compare-states.ts';
import type { StoreLocation } from '../../../progress/store-location.ts';
import { topicRetention, type TopicNames } from '../../../events/topics.ts';
import type { Projection } from '../../../projection/projection.ts';
import { openRecommendationStore } from './open-recommendation-store.ts';
import { createRecommendationProjection, type TasteChange } from '../recommendation-projection.ts';
import type { RecommendationStore } from './recommendation-store.ts';

const dayMs = 86_400_000;

/** What it takes to build the recommendation service's state anew; `projectionName` is its group. */
export function openRecommendationRebuild(projectionName: string, topics: TopicNames) {
  return {
    projection: createRecommendationProjection(projectionName, topics) satisfies Projection<readonly TasteChange[]>,
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
 * What both states must have: nothing that one may have forgotten when `newestMs` had arrived, nothing that happened
 * before its topic begins. Of removed books compaction may have left nothing.
 */
function comparedTables(
  kind: StoreLocation['kind'],
  newestMs: number,
  completeFromMs: { readonly searches: number; readonly actions: number },
): readonly ComparedTable[] {
  const tomorrowMs = (Math.floor(newestMs / dayMs) + 1) * dayMs;
  const keptFrom = (topic: 'searches' | 'actions'): readonly number[] => [
    Math.max(tomorrowMs - topicRetention[topic].retentionMs, completeFromMs[topic]),
  ];
  const inMysql = kind === 'mysql';
  const since = (name: Table, column: string, topic: 'searches' | 'actions'): ComparedTable => ({
    name,
    rows: (schema) => `SELECT ${inMysql ? rowText(...columns[name]) : '*'} FROM ${schema}.${name} WHERE ${column} >= ?`,
    values: keptFrom(topic),
  });
  return [
    {
      name: 'book',
      rows: (schema) =>
        inMysql
          ? `SELECT ${rowText('id', 'version', 'content')} FROM ${schema}.book WHERE content IS NOT NULL`
          : `SELECT id, version, json FROM ${schema}.book WHERE json IS NOT NULL`,
      values: [],
    },
    since('liking', 'time_ms', 'actions'),
    since('verdict', 'time_ms', 'actions'),
    since('search', 'time_ms', 'searches'),
    since('forgotten', 'until_ms', 'actions'),
  ];
}

const columns = {
  liking: ['reader', 'book', 'strength', 'time_ms'],
  verdict: ['reader', 'book', 'verdict', 'holds', 'time_ms', 'tie_break'],
  search: ['reader', 'query_hash', 'books', 'time_ms', 'tie_break'],
  forgotten: ['reader', 'until_ms'],
} as const;

type Table = keyof typeof columns;
