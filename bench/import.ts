import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { makeTemporaryFolder } from '../test/support/temporary-folder.ts';
import { startMariaDb } from '../test/servers/mariadb.ts';
import type { ProcessUse } from './measure-process.ts';
import { measuredInto, readProcessUse } from './process-use.ts';
import { benchSearchable } from './searchable.ts';
import { writeBookList } from './write-book-list.ts';

const sampleSize = 100;

/**
 * Runs `samsa import` twice with the same file of made-up books, into an empty shop that is not running. Measures from
 * the start of the process until every change is in the event log and the process has ended. Then opens the shop and
 * checks that the books can be found. With `onMysql` the books are stored in a real MariaDB.
 */
export async function benchImport({ rows, isNdjson, onMysql }: { rows: number; isNdjson: boolean; onMysql: boolean }) {
  await using stack = new AsyncDisposableStack();
  const folder = makeTemporaryFolder();
  const database = onMysql ? await startMariaDb(['--innodb-buffer-pool-size=1G']) : null;
  if (database !== null) stack.defer(database.stop);
  const settings = {
    SAMSA_DATA: join(folder, 'data'),
    ...(database !== null && { SAMSA_DB_DSN: (await database.createDatabase()).dsn }),
  };
  const useFile = join(folder, 'use.json');
  const file = join(folder, isNdjson ? 'books.ndjson' : 'books.csv');
  const sample = await writeBookList(file, { rows, isNdjson, sampleSize });
  const first = await importOnce(file, settings, useFile);
  const second = await importOnce(file, settings, useFile);
  return {
    database: onMysql ? 'mariadb' : 'sqlite',
    rows,
    format: isNdjson ? 'ndjson' : 'csv',
    seconds: Number(first.seconds.toFixed(1)),
    rows_per_s: Math.round(rows / first.seconds),
    cpu_seconds: first.cpuSeconds,
    peak_rss_mb: first.peakRssMb,
    peak_wal_mb: first.peakWalMb,
    second_import_seconds: Number(second.seconds.toFixed(1)),
    second_import_cpu_seconds: second.cpuSeconds,
    second_import_peak_rss_mb: second.peakRssMb,
    second_import_changed: second.changed,
    ...(await benchSearchable(sample, settings, useFile)),
  };
}

type FinishedImport = ProcessUse & { readonly seconds: number; readonly changed: number; readonly peakWalMb: number };

async function importOnce(
  file: string,
  settings: Readonly<Record<'SAMSA_DATA', string>>,
  useFile: string,
): Promise<FinishedImport> {
  const { args, environment } = measuredInto(useFile);
  const started = performance.now();
  const child = spawn(process.execPath, [...args, 'bin/samsa.js', 'import', file], {
    cwd: join(import.meta.dirname, '..'),
    env: { ...process.env, ...settings, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const wal = watchWal(['catalogue.sqlite-wal', 'log.sqlite-wal'].map((name) => join(settings.SAMSA_DATA, name)));
  const exited = once(child, 'exit');
  const summary = await text(child.stdout);
  const [code] = await exited;
  const seconds = (performance.now() - started) / 1_000;
  const peakWalMb = wal.peakMb();
  if (code !== 0) throw new Error(`the import ended with ${code}`);
  return {
    ...(await readProcessUse(useFile)),
    seconds,
    peakWalMb,
    changed: count(summary, 'rows') - count(summary, 'unchanged'),
  };
}

/** The largest size that one of the files reached. */
function watchWal(paths: readonly string[]): { readonly peakMb: () => number } {
  let peakBytes = 0;
  const looking = setInterval(() => {
    const bytes = paths.map((path) => statSync(path, { throwIfNoEntry: false })?.size ?? 0);
    peakBytes = Math.max(peakBytes, ...bytes);
  }, 100);
  return {
    peakMb: () => {
      clearInterval(looking);
      return Math.round(peakBytes / (1 << 20));
    },
  };
}

function count(summary: string, what: string): number {
  return Number(new RegExp(`([\\d,]+) ${what}`).exec(summary)?.[1]?.replaceAll(',', ''));
}
