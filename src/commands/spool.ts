import { openLog } from '../log/open-log.ts';
import { discardSetAside, readSetAside, sendSetAside, type SetAsideRecord } from '../log/spool/set-aside.ts';
import { SamsaError } from '../errors.ts';
import type { CommandContext } from './command-context.ts';
import { describeRecord, printable } from './state/dead-letter-text.ts';
import { logLocation, shopFiles } from './state/shop-locations.ts';

export type ChosenRecords = { readonly all?: boolean; readonly dryRun?: boolean };

/**
 * Lists the events that the brokers refused because of their content or size. `samsa dead-letters` shows them, too.
 * @returns 0.
 */
export async function listSpool(
  { config, print, warn }: CommandContext,
  options: { readonly json?: boolean },
): Promise<number> {
  const records = readSetAside(shopFiles(config).spools);
  if (options.json === true) print(JSON.stringify(records.map(factsOf), null, 2));
  else for (const record of records) print(summarise(record));
  if (records.length === 0) warn('no events are set aside');
  return 0;
}

/** Shows one with its bytes. @returns 0. @throws SamsaError `bad-request`. */
export async function showSpool({ config, print }: CommandContext, id: string): Promise<number> {
  const [record] = chosen(config.data, readSetAside(shopFiles(config).spools), [id], {});
  const { why, arrivedMs, setAsideMs } = record!;
  print(`id       ${id}`);
  print(`topic    ${printable(record!.topic)}`);
  print(`refused  ${printable(why)}`);
  print(`came     ${new Date(arrivedMs).toISOString()}, set aside ${new Date(setAsideMs).toISOString()}`);
  for (const line of describeRecord(record!)) print(line);
  return 0;
}

/**
 * Sends them again, for brokers that accept by now what they refused before. @returns 0 when none is refused again,
 * else 1.
 */
export async function sendSpool(
  { config, print, warn }: CommandContext,
  ids: readonly string[],
  options: ChosenRecords,
): Promise<number> {
  const folder = shopFiles(config).spools;
  const records = chosen(config.data, readSetAside(folder), ids, options);
  if (options.dryRun === true) return tellDry(print, records, 'sent');
  const log = await openLog(logLocation(config), { clock: Date.now, busyTimeoutMs: 1_000 });
  let refused = 0;
  try {
    for (const { id } of records) {
      const why = await sendSetAside(folder, id, log);
      if (why === null) continue;
      refused++;
      warn(`${id}  ${printable(why)}`);
    }
  } finally {
    await log.close();
  }
  print(`${records.length - refused} sent${refused > 0 ? `, ${refused} refused again` : ''}`);
  return refused > 0 ? 1 : 0;
}

/** Decides that they are never sent. @returns 0. */
export async function discardSpool(
  { config, print }: CommandContext,
  ids: readonly string[],
  options: ChosenRecords,
): Promise<number> {
  const folder = shopFiles(config).spools;
  const records = chosen(config.data, readSetAside(folder), ids, options);
  if (options.dryRun === true) return tellDry(print, records, 'discarded');
  for (const { id } of records) discardSetAside(folder, id);
  print(`${records.length} discarded: they count as dropped`);
  return 0;
}

function chosen(
  data: string,
  records: readonly SetAsideRecord[],
  ids: readonly string[],
  { all }: ChosenRecords,
): readonly SetAsideRecord[] {
  if (all === true ? ids.length > 0 : ids.length === 0) {
    throw new SamsaError('bad-request', 'expected ids as samsa spool list shows them, or --all for all of them');
  }
  if (all === true) return records;
  return ids.map((id) => {
    const record = records.find((one) => one.id === id);
    if (record !== undefined) return record;
    throw new SamsaError(
      'bad-request',
      `${data}: no event ${JSON.stringify(id)} is set aside; samsa spool list shows them`,
    );
  });
}

function tellDry(print: (line: string) => void, records: readonly SetAsideRecord[], become: string): number {
  for (const record of records) print(summarise(record));
  print(`${records.length} would be ${become} (dry run: nothing was changed)`);
  return 0;
}

function summarise({ id, topic, key, bytes, why, arrivedMs }: SetAsideRecord): string {
  const text = key === null ? '' : printable(Buffer.from(key).toString().slice(0, 60));
  return [id, printable(topic), new Date(arrivedMs).toISOString(), `${bytes} B`, text, printable(why)].join('  ');
}

function factsOf({ id, topic, bytes, why, arrivedMs, setAsideMs }: SetAsideRecord) {
  const [arrived, setAside] = [arrivedMs, setAsideMs].map((ms) => new Date(ms).toISOString());
  return { id, topic, bytes, why, arrived, set_aside: setAside };
}
