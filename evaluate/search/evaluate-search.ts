import { existsSync } from 'node:fs';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';
import { defaultTopicNames } from '../../src/events/topics.ts';
import { openSearchIndex, type SearchIndex } from '../../src/services/web/search/search-index.ts';
import { writeBookList } from '../../bench/write-book-list.ts';
import { hourMs } from '../../src/runtime/time.ts';
import { askQueries, type Answered, type SetResult } from './ask-queries.ts';
import { indexWithMiniSearch } from './minisearch.ts';
import { makeQueries, readQueries, type WantedBook } from './query-sets.ts';
import { readBooks } from './read-books.ts';
import { correctedShares } from './typo-pairs.ts';

const builtWithinMs = hourMs;

/**
 * Builds the index through the real projection, asks the queries, and prints one line of JSON.
 * @throws Error with `--at-least` when a set finds fewer of its books than that share among the first five.
 */
export async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      books: { type: 'string', multiple: true, default: [] },
      'made-up': { type: 'string' },
      'at-least': { type: 'string', default: '0' },
      queries: { type: 'string', multiple: true, default: [] },
      'typo-pairs': { type: 'string' },
      minisearch: { type: 'boolean', default: false },
      keep: { type: 'string' },
    },
  });
  const files = [...values.books, ...positionals];
  const madeUp = Number(values['made-up'] ?? 0);
  if (files.length === 0 && !(madeUp > 0)) throw new Error('expected --books FILE… or --made-up COUNT');
  const folder = values.keep ?? makeTemporaryFolder();
  await mkdir(folder, { recursive: true });
  if (madeUp > 0) {
    const list = join(folder, 'books.ndjson');
    await writeBookList(list, { rows: madeUp, isNdjson: true, sampleSize: 0 });
    files.push(list);
  }
  const result = await evaluate(folder, files, {
    queryFiles: values.queries,
    typoPairs: values['typo-pairs'] ?? null,
    withMiniSearch: values.minisearch,
  });
  console.log(JSON.stringify(result));
  const least = Number(values['at-least']);
  const poor = result.sets.filter((set) => set.success_at_5 < least).map(({ set }) => set);
  if (poor.length > 0)
    throw new Error(`expected at least ${least} of the books among the first five: ${poor.join(', ')}`);
}

type Asked = {
  readonly queryFiles: readonly string[];
  readonly typoPairs: string | null;
  readonly withMiniSearch: boolean;
};

async function evaluate(folder: string, files: readonly string[], asked: Asked) {
  const { queryFiles, typoPairs, withMiniSearch } = asked;
  const logPath = join(folder, 'log.sqlite');
  if (!existsSync(logPath)) await writeLog(logPath, files);
  const started = performance.now();
  const indexPath = join(folder, 'search-index.sqlite');
  await using index = await openSearchIndex({
    path: indexPath,
    log: { kind: 'sqlite', path: logPath, topics: defaultTopicNames, partitions: 4 },
    logger: pino({ level: 'warn' }, process.stderr),
  });
  await index.caughtUp(builtWithinMs);
  const buildSeconds = (performance.now() - started) / 1_000;
  while (!index.corrects()) await delay(20);
  const correctsAfterSeconds = (performance.now() - started) / 1_000;
  const wanted = queryFiles.length > 0 ? queryFiles.flatMap(readQueries) : makeQueries(await allBooks(files));
  const askWarm = (answer: (query: string) => Answered): readonly SetResult[] => {
    warmUp(wanted, answer);
    return askQueries(wanted, answer);
  };
  const sets = askWarm((query) => ask(index, query, false));
  const withFacets = askWarm((query) => ask(index, query, true));
  return {
    build_s: Number(buildSeconds.toFixed(1)),
    corrects_after_s: Number(correctsAfterSeconds.toFixed(1)),
    ...sizes(indexPath),
    rss_mb: Math.round(process.memoryUsage.rss() / 2 ** 20),
    sets: sets.map((set, at) => ({
      ...set,
      facets_p50_ms: withFacets[at]!.p50_ms,
      facets_p99_ms: withFacets[at]!.p99_ms,
    })),
    ...(typoPairs === null ? {} : { typo_pairs: correctedShares(typoPairs, index.correctWord) }),
    ...(withMiniSearch ? { minisearch: askWarm(await indexWithMiniSearch(files)) } : {}),
  };
}

async function writeLog(path: string, files: readonly string[]): Promise<void> {
  const writing = fork(new URL('./write-log.ts', import.meta.url), [path, ...files]);
  const [code] = (await once(writing, 'exit')) as [number];
  if (code !== 0) throw new Error(`writing the books to a log ended with ${code}`);
}

function ask(index: SearchIndex, text: string, withFacets: boolean): Answered {
  const { value } = index.search({ text, offset: 0, limit: 10, ...(withFacets ? { withFacets } : {}) });
  return JSON.parse(value.toString()) as Answered;
}

const warmUpQueries = 500;

/** Until the code is compiled. These are titles, every second one with a letter missing, not the queries asked later. */
function warmUp(wanted: readonly WantedBook[], answer: (query: string) => Answered): void {
  const step = Math.ceil(wanted.length / warmUpQueries);
  for (let at = 0; at < wanted.length; at += step) {
    const title = wanted[at]!.title.slice(0, 200);
    const middle = Math.floor(title.length / 2);
    answer((at / step) % 2 === 0 ? title : title.slice(0, middle) + title.slice(middle + 1));
  }
}

async function allBooks(files: readonly string[]): Promise<{ title: string; author: string }[]> {
  const books: { title: string; author: string }[] = [];
  for await (const { title, author } of readBooks(files)) books.push({ title, author });
  return books;
}

/** How many books are in the index file, and its size as SQLite counts its pages, the JSON of the books apart. */
function sizes(path: string): { readonly books: number; readonly index_mb: number; readonly json_mb: number } {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const rows = database.prepare('SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name').all();
    const sum = (keep: (name: string) => boolean): number => {
      const bytes = rows
        .filter(({ name }) => keep(String(name)))
        .reduce((total, { bytes }) => total + Number(bytes), 0);
      return Math.round(bytes / 2 ** 20);
    };
    const books = Number(database.prepare('SELECT count(*) AS books FROM listed').get()?.['books']);
    return { books, index_mb: sum((name) => name !== 'listed'), json_mb: sum((name) => name === 'listed') };
  } finally {
    database.close();
  }
}
