import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startChild } from './child.ts';
import type { MadeUpBook } from './made-up-books.ts';
import { measuredInto, readProcessUse } from './process-use.ts';

type WantedBook = Pick<MadeUpBook, 'title' | 'author'>;

const samsa = join(import.meta.dirname, '../bin/samsa.js');
const lookEveryMs = 100;
const searchableWithinMs = 600_000;

/**
 * Starts `samsa web` with these settings, waits until all imported books can be found, and searches for each of `books`
 * once.
 * @param useFile where the process writes the CPU time and memory it used.
 * @throws Error when the index is not complete, or the last book not found, within ten minutes.
 */
export async function benchSearchable(
  books: readonly WantedBook[],
  settings: Readonly<Record<string, string>>,
  useFile: string,
) {
  const { args, environment } = measuredInto(useFile);
  const started = performance.now();
  const web = await startChild([...args, samsa, 'web'], {
    SAMSA_APP_PORT: '0',
    SAMSA_LOG_LEVEL: 'error',
    ...settings,
    ...environment,
  });
  const looked = await lookFor(books, web.url, started).finally(web.stop);
  const { peakRssMb } = await readProcessUse(useFile);
  return { ...looked, web_peak_rss_mb: peakRssMb };
}

async function lookFor(books: readonly WantedBook[], url: string, started: number) {
  await untilSearchable(url, books.at(-1)!);
  const seconds = (performance.now() - started) / 1_000;
  let found = 0;
  for (const book of books) if (await finds(url, book)) found++;
  return {
    searchable_asked: books.length,
    searchable_found: found,
    searchable_after_s: Number(seconds.toFixed(1)),
  };
}

/** Partitions are read at the same time, so finding the last book does not mean that all can be found. */
async function untilSearchable(url: string, last: WantedBook): Promise<void> {
  const deadline = performance.now() + searchableWithinMs;
  while (!((await isReady(url)) && (await hasReadAll(url)) && (await finds(url, last)))) {
    if (performance.now() > deadline) {
      const seconds = searchableWithinMs / 1_000;
      throw new Error(`not all is searchable after ${seconds} s; the last book is "${last.title}" by ${last.author}`);
    }
    await delay(lookEveryMs);
  }
}

async function isReady(url: string): Promise<boolean> {
  const { status } = (await (await fetch(`${url}/health/ready`)).json()) as { readonly status: string };
  return status === 'ready';
}

/** Readiness reports a search index that is far behind the log, not one that is slightly behind. */
async function hasReadAll(url: string): Promise<boolean> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return /^samsa_projection_lag_events\{projection="search-index"\} 0$/m.test(metrics);
}

/** Whether a book with that title and author is on the first page of a search for both. */
async function finds(url: string, { title, author }: WantedBook): Promise<boolean> {
  const answer = await fetch(`${url}/api/books?q=${encodeURIComponent(`${title} ${author}`)}`);
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status}`);
  const books = (await answer.json()) as readonly WantedBook[];
  return books.some((book) => book.title === title && book.author === author);
}
