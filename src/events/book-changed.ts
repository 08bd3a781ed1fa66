import { TypeCompiler } from '@sinclair/typebox/compiler';
import { SamsaError } from '../errors.ts';
import { BookSchema, type Book } from './book.ts';
import { decodeEnvelope, encodeEnvelope, text, type EventSource } from './envelope.ts';
import { parseEventJson, refusedValue } from './json.ts';
import type { NewRecord, StoredRecord } from './record.ts';

export const bookChangedType = 'samsa.book.changed.v1';

/**
 * A book was added, changed or removed. Applied only where `version` is greater than the stored one, so the order in
 * which changes of a book arrive does not matter.
 */
export type BookChanged = {
  readonly bookId: number;
  readonly version: number;
  /** `null`: removed. */
  readonly book: Book | null;
};

const bookCheck = TypeCompiler.Compile(BookSchema);

export function bookChangedRecord(topic: string, source: EventSource, change: BookChanged): NewRecord {
  return {
    topic,
    key: Buffer.from(String(change.bookId)),
    value: change.book === null ? null : Buffer.from(JSON.stringify(change.book)),
    headers: encodeEnvelope(source.next(bookChangedType, { bookversion: String(change.version) })),
  };
}

/** @throws SamsaError `bad-event` when the record is not a change of a book. */
export function decodeBookChanged(record: StoredRecord): BookChanged {
  const bookId = decodeDigits('key', record.key === null ? '' : text(record.key));
  const version = decodeDigits(
    'header ce_bookversion',
    decodeEnvelope(record.headers)?.extensions['bookversion'] ?? '',
  );
  if (record.value === null) return { bookId, version, book: null };
  const book = parseEventJson(record.value);
  if (!bookCheck.Check(book)) throw refusedValue(bookCheck, book, 'a book');
  if (book.id !== bookId)
    throw new SamsaError('bad-event', `value/id: expected ${bookId} as in the key, got ${book.id}`);
  return { bookId, version, book };
}

function decodeDigits(where: string, value: string): number {
  const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(number)) {
    throw new SamsaError('bad-event', `${where}: expected a decimal number, got ${JSON.stringify(value.slice(0, 40))}`);
  }
  return number;
}
