import { Type, type Static } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { isUtf8 } from 'node:buffer';
import { SamsaError } from '../errors.ts';
import { BookIdSchema } from './book.ts';
import { longestQuery } from './book-searched.ts';
import { decodeEnvelope, encodeEnvelope, eventTime, markOf, text, tieBreakOf, type EventSource } from './envelope.ts';
import { parseEventJson, refusedValue } from './json.ts';
import type { NewRecord, StoredRecord } from './record.ts';

export const readerActionType = 'samsa.reader.acted.v1';

export const readerActionNames = [
  'opened',
  'chosen',
  'wanted',
  'unwanted',
  'dismissed',
  'restored',
  'forgotten',
] as const;

export type ReaderActionName = (typeof readerActionNames)[number];

const ReaderActionSchema = Type.Object(
  {
    action: Type.Union(readerActionNames.map((name) => Type.Literal(name))),
    book_id: Type.Optional(BookIdSchema),
    query: Type.Optional(Type.String({ maxLength: longestQuery })),
    position: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: true },
);
const readerAction = TypeCompiler.Compile(ReaderActionSchema);

/** A reader did something with a book, or asked to be forgotten (then without a book). */
export type ReaderAction = {
  readonly reader: string;
  readonly action: ReaderActionName;
  /** `null` only for `forgotten`. */
  readonly bookId: number | null;
  readonly query: string | null;
  /** When it happened, ms since 1970; never later than its arrival. */
  readonly time: number;
  /** Orders events that happened at the same time. */
  readonly tieBreak: string;
};

/** The record of one action; `body` is its value (docs/contract.md §1). */
export function readerActionRecord(
  topic: string,
  source: EventSource,
  reader: string,
  body: Static<typeof ReaderActionSchema>,
): NewRecord {
  return {
    topic,
    key: Buffer.from(reader),
    value: Buffer.from(JSON.stringify(body)),
    headers: encodeEnvelope(source.next(readerActionType, { reader })),
  };
}

/** @returns `'late'` when it arrived too late. @throws SamsaError `bad-event` when the record is not an action. */
export function decodeReaderAction(record: StoredRecord): ReaderAction | 'late' {
  const envelope = decodeEnvelope(record.headers);
  if (record.key === null || record.key.byteLength === 0 || !isUtf8(record.key)) {
    throw new SamsaError('bad-event', 'key: expected a reader id as UTF-8');
  }
  if (record.value === null) throw new SamsaError('bad-event', 'value: expected an action, got a tombstone');
  const body = parseEventJson(record.value);
  if (!readerAction.Check(body)) throw refusedValue(readerAction, body, 'an action');
  if (body.book_id === undefined && body.action !== 'forgotten') {
    throw new SamsaError('bad-event', `value/book_id: expected the book that was ${body.action}`);
  }
  const time = eventTime(record, envelope);
  if (time === 'late') return 'late';
  return {
    reader: text(record.key),
    action: body.action,
    bookId: body.action === 'forgotten' ? null : (body.book_id ?? null),
    query: body.query ?? null,
    time,
    tieBreak: tieBreakOf(markOf(record, envelope)),
  };
}
