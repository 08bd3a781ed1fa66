import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, statSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { makeUpBooks } from './made-up-books.ts';
import type { ProcessUse } from './measure-process.ts';

const linesAtOnce = 500;

/**
 * Imports a file of made-up books twice into a data folder that was empty, with no shop running, with `samsa import` as
 * it is: from its start until every change is in the event log and the process has ended.
 */
export async function benchImport({ rows, isNdjson }: { rows: number; isNdjson: boolean }) {
  const folder = await mkdtemp(join(tmpdir(), 'samsa-bench-'));
  try {
    const file = join(folder, isNdjson ? 'books.ndjson' : 'books.csv');
    await pipeline(Readable.from(writeRows(rows, isNdjson)), createWriteStream(file));
    const first = await importOnce(file, folder);
    const second = await importOnce(file, folder);
    return {
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
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function* writeRows(rows: number, isNdjson: boolean): Generator<string> {
  let lines = isNdjson ? [] : ['id,title,author,year,description,popularity'];
  let id = 0;
  for (const book of makeUpBooks(rows)) {
    const row = { id: ++id, ...book };
    lines.push(isNdjson ? JSON.stringify(row) : Object.values(row).join(','));
    if (lines.length < linesAtOnce) continue;
    yield `${lines.join('\n')}\n`;
    lines = [];
  }
  if (lines.length > 0) yield `${lines.join('\n')}\n`;
}

type FinishedImport = ProcessUse & { readonly seconds: number; readonly changed: number; readonly peakWalMb: number };

async function importOnce(file: string, folder: string): Promise<FinishedImport> {
  const [data, useFile] = [join(folder, 'data'), join(folder, 'use.json')];
  const started = performance.now();
  const preload = new URL('./measure-process.ts', import.meta.url).href;
  const child = spawn(process.execPath, ['--import', preload, 'bin/samsa.js', 'import', file], {
    cwd: join(import.meta.dirname, '..'),
    env: { ...process.env, SAMSA_DATA: data, BENCH_USE_FILE: useFile },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const wal = watchWal([join(data, 'catalogue.sqlite-wal'), join(data, 'log.sqlite-wal')]);
  const exited = once(child, 'exit');
  const summary = await text(child.stdout);
  const [code] = await exited;
  const seconds = (performance.now() - started) / 1_000;
  const peakWalMb = wal.peakMb();
  if (code !== 0) throw new Error(`the import ended with ${code}`);
  const use: ProcessUse = JSON.parse(await readFile(useFile, 'utf8'));
  return { ...use, seconds, peakWalMb, changed: count(summary, 'rows') - count(summary, 'unchanged') };
}

/** The longest any of the files was. */
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
