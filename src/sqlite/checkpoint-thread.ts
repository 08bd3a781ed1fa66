import { parentPort, workerData } from 'node:worker_threads';
import { reason } from '../errors.ts';
import { pause } from '../runtime/waiting.ts';
import { createCheckpointedFile } from './checkpoint-file.ts';
import type { CheckpointTrouble, CheckpointWork, Chore } from './checkpoints.ts';

/** How often the length of write-ahead logs is checked. */
const lookEveryMs = 100;

/** The entry of the thread that `startCheckpoints` starts. */
const { files, intervalMs, limitBytes, chores }: CheckpointWork = workerData;
const stopping = new AbortController();
const failing = new Set<string>();

parentPort!.once('message', () => stopping.abort());

/** Reports when something begins to fail, not every attempt. */
async function attempt(name: string, work: () => void | Promise<void>): Promise<void> {
  try {
    await work();
    failing.delete(name);
  } catch (error) {
    if (failing.has(name)) return;
    failing.add(name);
    const trouble: CheckpointTrouble = { failing: name, why: reason(error) };
    parentPort!.postMessage(trouble);
  }
}

async function repeat(everyMs: number, work: () => Promise<void>): Promise<void> {
  for (;;) {
    await pause(everyMs, stopping.signal);
    if (stopping.signal.aborted) return;
    await work();
  }
}

async function runChore({ module, argument }: Chore): Promise<void> {
  const chore = (await import(module)) as { default: (argument: string, signal: AbortSignal) => Promise<void> };
  await chore.default(argument, stopping.signal);
}

const checkpointed = files.map((path) => ({ path, file: createCheckpointedFile(path, intervalMs, limitBytes) }));

await Promise.all([
  repeat(Math.min(lookEveryMs, intervalMs), async () => {
    for (const { path, file } of checkpointed) await attempt(`checkpoint of ${path}`, file.checkpoint);
  }),
  ...chores.map((chore) => repeat(chore.everyMs, () => attempt(`chore of ${chore.argument}`, () => runChore(chore)))),
]);
for (const { file } of checkpointed) file.close();
