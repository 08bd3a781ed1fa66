import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { decodeEnvelope } from '../src/events/envelope.ts';
import { openSqliteLog } from '../src/log/sqlite/log.ts';
import { ledgerOf } from '../src/projection/ledger.ts';
import { openSqliteTrendStore } from '../src/services/trend/store/sqlite/trend-store.ts';
import { readWholeTopic } from './support/read-whole-topic.ts';
import { replayTrend } from './support/replay.ts';
import { makeTemporaryFolder } from './support/temporary-folder.ts';
import { trendState } from './support/trend-state.ts';

const child = join(import.meta.dirname, 'support/crash-child.ts');
const topic = 'lr-book-searches';
const options = { clock: Date.now, busyTimeoutMs: 1_000 };

/** A statement that repeats is killed only at its first executions. */
const executionsPerStatement = 2;

type End = { readonly signal: string | null; readonly code: number | null };

function run(folder: string, killBefore?: string): Promise<End> {
  const args = [child, folder, ...(killBefore === undefined ? [] : [killBefore])];
  const started = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  return new Promise((resolve) => {
    started.on('close', (code, signal) => resolve({ code, signal }));
  });
}

async function inFolder<Result>(body: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = makeTemporaryFolder();
  return await body(folder);
}

/** The reports of this kind by the processes in this folder. */
function reported(folder: string, kind: 'acknowledged' | 'point'): readonly string[] {
  const file = join(folder, 'report');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  return lines.filter((line) => line.startsWith(`${kind} `)).map((line) => line.slice(kind.length + 1));
}

/** The points of one run without a kill. */
function listPoints(): Promise<readonly string[]> {
  return inFolder(async (folder) => {
    await run(folder);
    return reported(folder, 'point').filter(
      (point) => Number.parseInt(point, 10) <= executionsPerStatement && !point.includes('data_version'),
    );
  });
}

/** Every acknowledged event is in the log once, the ledger balances, and the state equals that of a clean replay. */
async function checkShop(folder: string): Promise<void> {
  const log = openSqliteLog(join(folder, 'log.sqlite'), options);
  const store = openSqliteTrendStore(join(folder, 'trend.sqlite'), options);
  try {
    const { partitions } = await log.describe(topic);
    const ids = (await readWholeTopic(log, topic)).map(({ headers }) => decodeEnvelope(headers)?.id ?? '');
    assert.equal(new Set(ids).size, ids.length, 'no event is in the log twice');
    for (const id of reported(folder, 'acknowledged'))
      assert.ok(ids.includes(id), `acknowledged event ${id} is in the log`);
    const ledger = ledgerOf(await store.positions('trend'), (_topic, partition) => partitions[partition]?.end ?? 0);
    assert.ok(ledger.length > 0 && ledger.every(({ balanced, lag }) => balanced && lag === 0), 'the ledger balances');
    await replayTrend(log, topic, join(folder, 'replayed.sqlite'));
  } finally {
    await store.close();
    await log.close();
  }
  assert.equal(trendState(join(folder, 'trend.sqlite')), trendState(join(folder, 'replayed.sqlite')));
}

it(
  'loses and repeats no event when the process is killed before any SQL statement',
  { timeout: 300_000 },
  async (t) => {
    const points = await listPoints();
    let killed = 0;
    const left = [...points];
    const work = async (): Promise<void> => {
      for (let point = left.shift(); point !== undefined; point = left.shift()) {
        const killBefore = point;
        await inFolder(async (folder) => {
          const first = await run(folder, killBefore);
          if (first.signal === 'SIGKILL') killed++;
          else assert.equal(first.code, 0, `${killBefore}: neither killed nor finished`);
          const second = await run(folder);
          assert.equal(second.code, 0, `${killBefore}: did not recover`);
          await checkShop(folder).catch((error: unknown) => {
            throw new Error(`killed before ${killBefore}`, { cause: error });
          });
        });
      }
    };
    await Promise.all([work(), work()]);
    t.diagnostic(`${points.length} crash points, killed at ${killed} of them, all recovered`);
    assert.ok(killed >= points.length * 0.9, `only ${killed} of ${points.length} points were reached`);
  },
);
