import { existsSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBroker } from '../test/servers/kafka-broker.ts';
import { until } from '../test/support/until.ts';
import { startChild, type Child } from './child.ts';

/** Of several, so that what a timer happens to do meanwhile is not taken for a part of a search. */
const searches = ['alice', 'austen', 'dracula', 'emma', 'gatsby', 'dickens'];

/** The files of `src/` of which a function runs in every one of six searches, from the request to the answer of `/trends`. */
export async function filesOfOneSearch(folder: string, onKafka: boolean): Promise<readonly string[]> {
  const data = await mkdtemp(join(tmpdir(), 'samsa-house-'));
  const coverage = join(data, 'coverage');
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(data, { recursive: true }));
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
  const passed: ReadonlySet<string>[] = [];
  for (const query of searches) {
    await record(shop, coverage);
    await search(shop, query);
    passed.push(await record(shop, coverage));
  }
  const always = [...passed[0]!].filter((path) => passed.every((files) => files.has(path)));
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
  await until('threads have written what ran', () => linesOf(file).length >= linesOf(`${file}.threads`).length);
  const threads = linesOf(file).map((line) => JSON.parse(line) as { readonly files: readonly string[] });
  return new Set(threads.flatMap(({ files }) => files));
}

function linesOf(file: string): readonly string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}
