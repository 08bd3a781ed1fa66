import { Type, type Static } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { isUtf8 } from 'node:buffer';
import { SamsaError } from '../errors.ts';
import { longestQuery } from './book-searched.ts';
import { decodeEnvelope, encodeEnvelope, eventTime, markOf, tieBreakOf, type EventSource } from './envelope.ts';
import { parseEventJson, refusedValue } from './json.ts';
import type { NewRecord, StoredRecord } from './record.ts';

export const operatorActionType = 'samsa.operator.acted.v1';

export const operatorActionNames = ['muted', 'unmuted', 'pinned', 'unpinned'] as const;

export const OperatorActionSchema = Type.Object({
  action: Type.Union(operatorActionNames.map((name) => Type.Literal(name))),
  query: Type.String({ minLength: 1, maxLength: longestQuery }),
});
const operatorAction = TypeCompiler.Compile(OperatorActionSchema);

/** An operator decided how a query is shown. */
export type OperatorAction = Static<typeof OperatorActionSchema> & {
  /** When it happened, ms since 1970; never later than its arrival. */
  readonly time: number;
  /** Orders events of one time. */
  readonly tieBreak: string;
};

/**
 * The record of one decision.
 * @param key of the query that is acted on (`countingKey`), so that decisions about one query stay in order.
 */
export function operatorActionRecord(
  topic: string,
  source: EventSource,
  key: string,
  body: Static<typeof OperatorActionSchema>,
): NewRecord {
  const headers = encodeEnvelope(source.next(operatorActionType, {}));
  return { topic, key: Buffer.from(key), value: Buffer.from(JSON.stringify(body)), headers };
}

/** @throws SamsaError `bad-event` when the record is not an operator's decision. */
export function decodeOperatorAction(record: StoredRecord): OperatorAction | 'late' {
  const envelope = decodeEnvelope(record.headers);
  if (record.key === null || !isUtf8(record.key)) throw new SamsaError('bad-event', 'key: expected a query as UTF-8');
  if (record.value === null) throw new SamsaError('bad-event', 'value: expected a decision, got a tombstone');
  const body = parseEventJson(record.value);
  if (!operatorAction.Check(body)) throw refusedValue(operatorAction, body, 'a decision of an operator');
  const time = eventTime(record, envelope);
  if (time === 'late') return 'late';
  return {
    action: body.action,
    query: body.query,
    time,
    tieBreak: tieBreakOf(markOf(record, envelope)),
  };
}
