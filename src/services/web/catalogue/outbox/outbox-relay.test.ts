import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteCatalogue } from '../store/sqlite/catalogue.ts';
import { outboxRelayContract } from './outbox-relay.contract.ts';

outboxRelayContract('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'samsa-outbox-'));
  return {
    open: async () => openSqliteCatalogue(join(folder, 'catalogue.sqlite'), { clock: Date.now, busyTimeoutMs: 10 }),
    remove: () => rm(folder, { recursive: true }),
  };
});
