import { createHash } from 'node:crypto';
import { SamsaError } from '../../../../errors.ts';
import { listedBook, type Book } from '../../../../events/book.ts';
import { decodeBookChanged, type BookChanged } from '../../../../events/book-changed.ts';
import type { StoredRecord } from '../../../../events/record.ts';
import type { EventLog } from '../../../../log/log.ts';
import { describeIfThere } from '../../../../log/topic-rules.ts';
import { within } from '../../../../runtime/waiting.ts';
import type { OpenCatalogue } from '../catalogue.ts';

const booksAtATime = 200;
const answersWithinMs = 5_000;

/** `digest` is a hash of the book's content; `null` when it was removed. */
type NewestChange = { readonly version: number; readonly digest: string | null };

/** Whether the log has the topic; `null` when it does not answer within 5 s. */
export async function knowsTopic(log: EventLog, topic: string): Promise<boolean | null> {
  const described = describeIfThere(log, topic).then(
    (description) => description !== null,
    (error: unknown) => {
      if (error instanceof SamsaError) return null;
      throw error;
    },
  );
  return (await within(answersWithinMs, described)) ?? null;
}

/**
 * The newest change of each book in the log; `null` when the log does not answer. Records that are not changes of
 * books come from other programs and are skipped.
 */
export async function readNewestChanges(log: EventLog, topic: string): Promise<Map<number, NewestChange> | null> {
  const newest = new Map<number, NewestChange>();
  const { id, partitions } = await log.describe(topic);
  for (const [partition, { start, end }] of partitions.entries()) {
    for (let from = start; from < end;) {
      const request = { topic, topicId: id, partition, from, maxBytes: 1 << 20, waitMs: answersWithinMs };
      const { records, next } = await log.read({ ...request, signal: new AbortController().signal });
      for (const record of records) {
        const change = decodeOwn(record);
        if (change === null || change.version < (newest.get(change.bookId)?.version ?? 0)) continue;
        newest.set(change.bookId, { version: change.version, digest: digestOf(change.book) });
      }
      if (next <= from) return null;
      from = next;
    }
  }
  return newest;
}

/**
 * Adds each book whose newest change the log does not have to the outbox, for a log that was lost or put back from a
 * backup. Books may be added that the outbox already has.
 * @returns how many.
 * @throws SamsaError `log-unavailable`, `store-unavailable`.
 */
export async function putMissingAgain(
  { catalogue, outbox }: Pick<OpenCatalogue, 'catalogue' | 'outbox'>,
  log: EventLog,
  topic: string,
): Promise<number> {
  const isKnown = await knowsTopic(log, topic);
  const logged = isKnown === false ? new Map<number, NewestChange>() : isKnown && (await readNewestChanges(log, topic));
  if (!logged) {
    const problem = `expected topic ${topic} to be read, got no answer. Start the log, then try again.`;
    throw new SamsaError('log-unavailable', problem, { retryable: true });
  }
  let missing = 0;
  for (let books = await catalogue.list(0, booksAtATime); books.length > 0;) {
    const changed = books.filter((book) => logged.get(book.id)?.digest !== digestOf(listedBook(book)));
    await outbox.putAgain(changed.map(({ id }) => id));
    missing += changed.length;
    for (const { id } of books) logged.delete(id);
    books = await catalogue.list(books.at(-1)!.id, booksAtATime);
  }
  const removed = [...logged].filter(([, { digest }]) => digest !== null).map(([id]) => id);
  for (let at = 0; at < removed.length; at += booksAtATime) await outbox.putAgain(removed.slice(at, at + booksAtATime));
  return missing + removed.length;
}

function digestOf(book: Book | null): string | null {
  return book === null ? null : createHash('sha1').update(JSON.stringify(book)).digest('base64');
}

function decodeOwn(record: StoredRecord): BookChanged | null {
  try {
    return decodeBookChanged(record);
  } catch (error) {
    if (error instanceof SamsaError) return null;
    throw error;
  }
}
