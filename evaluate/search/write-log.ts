import { bookChangedRecord, type BookChanged } from '../../src/events/book-changed.ts';
import { createEventSource } from '../../src/events/envelope.ts';
import { defaultTopicNames } from '../../src/events/topics.ts';
import { openLog } from '../../src/log/open-log.ts';
import { readBooks } from './read-books.ts';

/** Its own process, so that its memory is not taken for the index's: `write-log.ts LOG FILE…`. */
const [path = '', ...files] = process.argv.slice(2);
const booksAtOnce = 2_000;

const log = await openLog(
  { kind: 'sqlite', path, topics: defaultTopicNames, partitions: 4 },
  { clock: Date.now, busyTimeoutMs: 1_000 },
);
const source = createEventSource('evaluate', Date.now);
let waiting: BookChanged[] = [];
const write = async (): Promise<void> => {
  await log.append(waiting.map((change) => bookChangedRecord(defaultTopicNames.changes, source, change)));
  waiting = [];
};
for await (const book of readBooks(files)) {
  waiting.push({ bookId: book.id, version: 1, book });
  if (waiting.length >= booksAtOnce) await write();
}
await write();
await log.close();
