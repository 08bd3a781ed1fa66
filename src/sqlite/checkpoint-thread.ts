import { reason } from '../errors.ts';
import { pause } from '../runtime/waiting.ts';
import { linkToParent } from '../runtime/threads.ts';
import { createCheckpointedFile, type CheckpointTrouble, type CheckpointWork, type Chore } from './checkpoints.ts';
import { isBusy } from './errors.ts';

/** How often the length of write-ahead logs is checked. */
const lookEveryMs = 100;

/** Some seconds: another connection may just be opening the file, or closing it. */
const busyAttempts = 20;

/** The entry of the thread that `startCheckpoints` starts. */
const link = linkToParent<CheckpointWork, CheckpointTrouble>();
const { files, intervalMs, limitBytes, chores } = link.data;
const stopping = new AbortController();
const failures = new Map<string, number>();
const reported = new Set<string>();

link.listen({ onClose: () => stopping.abort() });

/** Reports when something begins to fail, not every attempt. A busy file is reported when it stays busy. */
async function attempt(name: string, work: () => void | Promise<void>): Promise<void> {
  try {
    await work();
    failures.delete(name);
    reported.delete(name);
  } catch (error) {
    const count = (failures.get(name) ?? 0) + 1;
    failures.set(name, count);
    if (reported.has(name) || (isBusy(error) && count < busyAttempts)) return;
    reported.add(name);
    link.tell({ failing: name, why: reason(error) });
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
