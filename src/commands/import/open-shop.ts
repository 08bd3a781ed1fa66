import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { pino } from 'pino';
import { SamsaError } from '../../errors.ts';
import { openLog } from '../../log/open-log.ts';
import { openDataFolder } from '../data-folder.ts';
import { openRelay, putMissingAgain, type OutboxRelay } from '../../services/web/catalogue/import/open-import.ts';
import type { Catalogue } from '../../services/web/catalogue/catalogue.ts';
import { openCatalogue } from '../../services/web/catalogue/store/open-catalogue.ts';
import { raiseAboveLog } from '../../services/web/catalogue/store/sqlite/reconcile-with-log.ts';
import { catalogueLocation, logLocation, shopFiles } from '../state/shop-locations.ts';
import { count, type ProgressLine, type CommandContext } from '../command-context.ts';

const drainWithinMs = 30_000;
const busyTimeoutMs = 1_000;
/** While no shop runs, this command checkpoints the files itself. It may wait for that; a request may not. */
const checkpointBytes = 32 << 20;

export type ShopToChange = {
  readonly catalogue: Catalogue;
  readonly keepPace: () => Promise<void>;
  /** Tells the log again about books that it has lost. @returns how many. */
  readonly putMissingAgain: () => Promise<number>;
  /** Waits until all changes are in the log. @returns why they are not; `null` when they are. */
  readonly deliver: (progress: ProgressLine) => Promise<string | null>;
};

/**
 * Opens the catalogue of a shop, running or not, with the log to which its changes go.
 * @throws SamsaError as `openLog`, `openCatalogue` and `raiseAboveLog` do.
 */
export async function openShopToChange(
  { config, warn }: Pick<CommandContext, 'config' | 'warn'>,
  stack: AsyncDisposableStack,
): Promise<ShopToChange> {
  openDataFolder(config.data);
  const [location, catalogueAt] = [logLocation(config), catalogueLocation(config)];
  const log = await openLog(location, { clock: Date.now, busyTimeoutMs, checkpointBytes });
  stack.defer(() => log.close());
  if (catalogueAt.kind === 'sqlite') {
    const wasOpened = existsSync(shopFiles(config).searchIndex);
    await raiseAboveLog({ path: catalogueAt.path, log, topic: config.mq.topics.changes, wasOpened }, Date.now);
  }
  const { catalogue, outbox } = await openBooks(config, warn, stack);
  const relay = openRelay({
    outbox,
    log,
    topic: config.mq.topics.changes,
    owner: `import-${randomUUID()}`,
    clock: Date.now,
    logger: pino({ level: 'silent' }),
  });
  stack.defer(relay.close);
  return {
    catalogue,
    keepPace: relay.keepPace,
    putMissingAgain: () => putMissingAgain({ catalogue, outbox }, log, config.mq.topics.changes),
    deliver: (progress) => deliver(relay, progress),
  };
}

/** Opens only the catalogue. @returns null when an embedded one was never created. */
export async function openCatalogueToRead(
  { config, warn }: Pick<CommandContext, 'config' | 'warn'>,
  stack: AsyncDisposableStack,
): Promise<Catalogue | null> {
  const location = catalogueLocation(config);
  if (location.kind === 'sqlite' && !existsSync(location.path)) return null;
  return (await openBooks(config, warn, stack)).catalogue;
}

async function openBooks(
  config: CommandContext['config'],
  warn: CommandContext['warn'],
  stack: AsyncDisposableStack,
): ReturnType<typeof openCatalogue> {
  const options = { clock: Date.now, busyTimeoutMs, checkpointBytes, onNotAdopted: warn };
  const books = await openCatalogue(catalogueLocation(config), options);
  stack.defer(books.close);
  return books;
}

async function deliver(relay: OutboxRelay, progress: ProgressLine): Promise<string | null> {
  try {
    await relay.drain(drainWithinMs, (rows) => progress.show(`${count(rows)} changes on their way to the event log`));
    return null;
  } catch (error) {
    if (error instanceof SamsaError) return error.message;
    throw error;
  }
}
