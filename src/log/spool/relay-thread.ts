import { setTimeout as delay } from 'node:timers/promises';
import { createCheckpointedFile } from '../../sqlite/checkpoint-file.ts';
import { openKafkaLog } from '../kafka/log.ts';
import { createThreadSignal, linkToParent, toPlainError } from '../../runtime/threads.ts';
import { adoptSpools } from './adopt-spools.ts';
import { relaySpool } from './relay.ts';
import { spoolSignalName, type RelayState, type RelayWork } from './relay-worker.ts';

/** The entry of the thread that `startRelayWorker` starts: relays one spool, and those that others left behind. */
const link = linkToParent<RelayWork, RelayState>();
const { id, path, folder, kafka, dropBeyondBytes } = link.data;
const lookEveryMs = 500;
const adoptEveryMs = 3_000;
const checkpointEveryMs = 100;
const checkpointBytes = 32 << 20;

const clock = Date.now;
const log = openKafkaLog({ ...kafka, clock });
let setAside: string | null = null;
const onSetAside = (why: string): void => void (setAside = why);
const own = relaySpool(id, path, { log, clock, dropBeyondBytes, checkpointedElsewhere: true, onSetAside });
const adoption = adoptSpools(folder, { log, clock, onSetAside });
const file = createCheckpointedFile(path, lookEveryMs, checkpointBytes);
const signal = createThreadSignal(spoolSignalName(id), () => {
  signal.listen();
  own.wake();
});

function look(): void {
  own.wake();
  const trouble = own.trouble() ?? adoption.trouble();
  link.tell({ trouble: trouble && toPlainError(trouble), setAside, adopted: adoption.ledger() });
  setAside = null;
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

/** Goes on until the spool is empty. Where that takes too long, the thread is ended by force. */
async function close(): Promise<void> {
  while (!own.isEmpty()) await delay(5);
  for (const timer of timers) clearInterval(timer);
  adoption.close();
  own.close();
  file.close();
  await log.close();
}

link.listen({ onClose: () => void close() });
signal.listen();
own.wake();
adoption.tend();
