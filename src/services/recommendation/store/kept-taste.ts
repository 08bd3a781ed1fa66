import { topicRetention } from '../../../events/topics.ts';

const dayMs = 86_400_000;
const { searches, actions } = topicRetention;
const kept = [
  { table: 'search', time: 'time_ms', retentionMs: searches.retentionMs },
  { table: 'liking', time: 'time_ms', retentionMs: actions.retentionMs },
  { table: 'verdict', time: 'time_ms', retentionMs: actions.retentionMs },
  { table: 'forgotten', time: 'until_ms', retentionMs: actions.retentionMs },
] as const;

/**
 * What may be removed for the day the watermark has entered: what the topics no longer keep when that day ends. No event
 * happens after it arrives, so a rebuild finds all that is left here in the topics; and no record still to come can
 * touch what is removed: it would be late.
 */
export function forgettableTaste(watermarkMs: number) {
  const day = Math.floor(watermarkMs / dayMs);
  const rows = kept.map(({ table, time, retentionMs }) => ({ table, time, beforeMs: (day + 1) * dayMs - retentionMs }));
  return { day, rows };
}
