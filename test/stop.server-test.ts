import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { startBroker } from './servers/kafka-broker.ts';
import { startMariaDb } from './servers/mariadb.ts';
import { startShop } from './support/start-shop.ts';
import { makeTemporaryFolder } from './support/temporary-folder.ts';

const [broker, server] = await Promise.all([startBroker(), startMariaDb()]);
after(async () => {
  await Promise.all([broker.stop(), server.stop()]);
});

const book = { title: 'The Castle', author: 'Franz Kafka', published_at: '1926', description: '' };

/** A shop that still has a search and a book to relay and leases to release, when the server no longer answers. */
async function stopWhile(frozen: { freeze: () => void; thaw: () => void }): Promise<void> {
  const data = makeTemporaryFolder();
  const { dsn } = await server.createDatabase();
  const shop = await startShop(data, { SAMSA_MQ_BROKERS: broker.brokers.join(','), SAMSA_DB_DSN: dsn });
  try {
    const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(book) };
    assert.equal((await fetch(`${shop.web}/api/books`, request)).status, 201);
    frozen.freeze();
    assert.equal((await fetch(`${shop.web}/api/books?q=castle`)).status, 200);
    await fetch(`${shop.web}/api/books`, request);
    // When it does not stop in time, its exit code says so.
    assert.equal(await shop.stop('SIGTERM'), 0, shop.output());
  } finally {
    frozen.thaw();
    shop.process.kill('SIGKILL');
  }
}

it('stops in time while the broker is frozen', { timeout: 120_000 }, () => stopWhile(broker));

it('stops in time while the database is frozen', { timeout: 120_000 }, () => stopWhile(server));
