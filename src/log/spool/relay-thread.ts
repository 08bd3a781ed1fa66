import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { createCheckpointedFile } from '../../sqlite/checkpoint-file.ts';
import { openKafkaLog } from '../kafka/log.ts';
import { createThreadBell } from '../../runtime/thread-bell.ts';
import { adoptSpools } from './adoption.ts';
import { relaySpoolFile } from './file-relay.ts';
import { spoolBellName, type SpoolThreadData, type SpoolThreadState } from './thread-messages.ts';

/** The entry of the thread that `startSpoolThread` starts: relays one spool, and those that others left behind. */
const { id, path, folder, kafka, dropBeyondBytes }: SpoolThreadData = workerData;
const lookEveryMs = 500;
const adoptEveryMs = 3_000;
const checkpointEveryMs = 100;
const checkpointBytes = 32 << 20;

const clock = Date.now;
const log = openKafkaLog({ ...kafka, clock });
const own = relaySpoolFile(id, path, { log, clock, dropBeyondBytes, checkpointedElsewhere: true });
const adoption = adoptSpools(folder, { log, clock });
const file = createCheckpointedFile(path, lookEveryMs, checkpointBytes);
const bell = createThreadBell(spoolBellName(id), () => {
  bell.listen();
  own.wake();
});

function look(): void {
  own.wake();
  const trouble = own.trouble() ?? adoption.trouble();
  const state: SpoolThreadState = {
    trouble: trouble === null ? null : { code: trouble.code, message: trouble.message },
    adopted: adoption.ledger(),
  };
  parentPort!.postMessage(state);
}

/** A checkpoint that fails is tried again; the write-ahead log grows meanwhile. */
function checkpoint(): void {
  try {
    file.checkpoint();
  } catch {
    // What is wrong with the disk shows where records are removed.
  }
}

const timers = [
  setInterval(look, lookEveryMs),
  setInterval(adoption.tend, adoptEveryMs),
  setInterval(checkpoint, checkpointEveryMs),
];

/** Goes on until the spool is empty; whoever told it to close ends the thread where that takes too long. */
async function close(): Promise<void> {
  while (!own.isEmpty()) await delay(5);
  for (const timer of timers) clearInterval(timer);
  adoption.close();
  own.close();
  file.close();
  await log.close();
}

parentPort!.once('message', () => void close());
bell.listen();
own.wake();
adoption.tend();
