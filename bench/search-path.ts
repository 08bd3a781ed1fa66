import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeTemporaryFolder } from '../test/support/temporary-folder.ts';
import { startBroker } from '../test/servers/kafka-broker.ts';
import { until } from '../test/support/until.ts';
import { startChild, type Child } from './child.ts';

const queries = (
  'austen dickens tolstoy verne wells twain poe kafka goethe homer ' +
  'dante hugo zola gogol ibsen wilde stoker shelley melville hardy'
).split(' ');
/** Only the fastest searches count: in a slow one, the work of timers runs as well. */
const countedSearches = 6;

/** The files of `src/` of which a function runs in each of these searches, from the request to the answer of `/trends`. */
export async function filesOfOneSearch(folder: string, onKafka: boolean): Promise<readonly string[]> {
  const data = makeTemporaryFolder();
  const coverage = join(data, 'coverage');
  await using stack = new AsyncDisposableStack();
  const kafka = onKafka ? await startBroker() : null;
  if (kafka !== null) stack.defer(() => kafka.stop());
  const shop = await startChild(
    ['--import', join(import.meta.dirname, 'record-coverage.ts'), join(folder, 'bin/samsa.js'), 'all'],
    {
      COVERAGE_FILE: coverage,
      SAMSA_DATA: join(data, 'shop'),
      SAMSA_APP_PORT: '0',
      SAMSA_TREND_PORT: '0',
      SAMSA_RECOMMENDATION_PORT: '0',
      ...(kafka !== null && { SAMSA_MQ_BROKERS: kafka.brokers.join(',') }),
    },
    3,
  );
  stack.defer(shop.stop);
  await search(shop, 'sea');
  const passed: { readonly tookMs: number; readonly files: ReadonlySet<string> }[] = [];
  for (const query of queries) {
    await record(shop, coverage);
    const started = performance.now();
    await search(shop, query);
    passed.push({ tookMs: performance.now() - started, files: await record(shop, coverage) });
  }
  const fastest = passed.sort((one, other) => one.tookMs - other.tookMs).slice(0, countedSearches);
  const always = [...fastest[0]!.files].filter((path) => fastest.every(({ files }) => files.has(path)));
  // The other consumer reads the search as well, but not on its way to the trends.
  return always.filter((path) => !path.startsWith('services/recommendation/')).sort();
}

async function search({ urls }: Child, query: string): Promise<void> {
  const [web, trend] = urls.map((url) => new URL(url).origin);
  await (await fetch(`${web}/api/books?q=${query}`)).text();
  await until(`${query} is among the trends`, async () => {
    const answer = await fetch(`${trend}/trends?ps=100`);
    return (await answer.text()).includes(`"query":"${query}"`);
  });
}

async function record({ pid }: Child, file: string): Promise<ReadonlySet<string>> {
  rmSync(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  const running = (): number => linesOf(`${file}.begun`).length - linesOf(`${file}.ended`).length;
  await until('threads have written what ran', () => linesOf(file).length >= running());
  const threads = linesOf(file).map((line) => JSON.parse(line) as { readonly files: readonly string[] });
  return new Set(threads.flatMap(({ files }) => files));
}

function linesOf(file: string): readonly string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}
