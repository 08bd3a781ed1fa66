import { after, before, describe } from 'node:test';
import { startMariaDb, type MariaDb, type TestDatabase } from '../../../../test/servers/mariadb.ts';
import { catalogueContract } from './catalogue.contract.ts';
import { openMysqlCatalogue } from './catalogue.mysql.ts';
import type { OpenCatalogue } from './catalogue.ts';
import { outboxRelayContract } from './outbox-relay.contract.ts';

describe('the catalogue in MySQL', () => {
  let server: MariaDb;
  before(async () => {
    server = await startMariaDb();
  });
  after(() => server.stop());

  const open = (place: TestDatabase): Promise<OpenCatalogue> =>
    openMysqlCatalogue(place, {
      clock: Date.now,
      onProblem: (problem) => {
        throw new Error(problem);
      },
    });

  catalogueContract('MySQL', async () => {
    const place = await server.createDatabase();
    let nowMs = Date.parse('2026-01-02T03:04:05.678Z');
    const another = (): Promise<OpenCatalogue> =>
      openMysqlCatalogue(place, { clock: () => nowMs, leaseClock: async () => nowMs, onProblem: () => {} });
    const opened = await another();
    return { open: opened, another, passMs: (ms) => void (nowMs += ms), close: opened.close };
  });

  outboxRelayContract('MySQL', async () => {
    const place = await server.createDatabase();
    return { open: () => open(place), remove: async () => {} };
  });
});
