import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Consumer, MessagesStreamModes, Producer, stringSerializers } from '@platformatic/kafka';
import { createConnection } from 'mysql2/promise';
import { startBroker } from './servers/kafka-broker.ts';
import type { TestDatabase } from './servers/database-server.ts';
import { startMariaDb } from './servers/mariadb.ts';
import { spawnSamsa, untilListens, type Shop } from './support/start-shop.ts';
import { makeTemporaryFolder } from './support/temporary-folder.ts';
import { until } from './support/until.ts';

const topic = 'lr-book-searches';
const [broker, database] = await Promise.all([startBroker(), startMariaDb()]);
after(() => Promise.all([broker.stop(), database.stop()]));

/**
 * The table that each edition of the tutorial creates. Python's has the changes that the shop asks for at its first
 * start.
 */
const tables = {
  Go: `CREATE TABLE books (id bigint unsigned AUTO_INCREMENT, title longtext, author longtext, published_at longtext,
         description longtext, PRIMARY KEY (id))`,
  'Node.js': `CREATE TABLE books (id INT AUTO_INCREMENT PRIMARY KEY, title VARCHAR(255) NOT NULL,
         author VARCHAR(255) NOT NULL, published_at VARCHAR(15) NOT NULL, description TEXT NOT NULL,
         created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)`,
  Python: `CREATE TABLE books (id INT AUTO_INCREMENT PRIMARY KEY, title VARCHAR(255) NOT NULL,
         author VARCHAR(255) NOT NULL, published_at DATE NULL, description TEXT NOT NULL,
         created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)`,
};
const otherTopics = ['lr-reader-actions', 'lr-book-changes', 'lr-operator-actions'];

/** Every shop here has its own database and starts with empty topics. */
async function deleteTopics(): Promise<void> {
  for (const name of [topic, ...otherTopics]) await broker.deleteTopic(name);
}

const firstBooks = `INSERT INTO books (id, title, author, published_at, description) VALUES
  (3, 'The Trial', 'Franz Kafka', '1925-04-26', 'Somebody is arrested one morning.'),
  (8, 'Metamorphosis', 'Franz Kafka', '1915-10-15', 'Somebody wakes up as a beetle.')`;
const laterBook = `INSERT INTO books (title, author, published_at, description) VALUES
  ('Amerika', 'Franz Kafka', '1927-01-01', 'Somebody sails to New York.')`;

/** The tutorial's file for the web service; only the addresses differ. */
function configFile(place: TestDatabase): string {
  return `app:
  port: 0
  page_size: 5
  templates_pattern: "adapter/templates/*.html"
db:
  dsn: "${place.user}:${place.password}@tcp(${place.host}:${place.port})/${place.database}?charset=utf8mb4&parseTime=True&loc=Local"
mq:
  brokers:
    - ${broker.brokers[0]!}
  topic: "${topic}"
`;
}

type Row = Readonly<Record<string, unknown>>;

const rowsAt = async (url: string): Promise<readonly Row[]> => (await (await fetch(url)).json()) as readonly Row[];

async function startFrom(
  file: string,
  data: string,
): Promise<Pick<Shop, 'web' | 'trend'> & { stop: () => Promise<void> }> {
  const shop = spawnSamsa(['--config', file, 'all'], data, { SAMSA_APP_PORT: '0' });
  const urlOf = await untilListens(shop, 'recommendation');
  return {
    web: urlOf('the bookshop'),
    trend: urlOf('trend'),
    stop: async () => {
      shop.process.kill('SIGTERM');
      assert.equal(await shop.ended, 0, shop.output());
    },
  };
}

/** What the tutorial's other services see: keys and values only. */
async function consumeAll(): Promise<readonly { readonly key: string; readonly value: string }[]> {
  const consumer = new Consumer({
    groupId: `plain-${Date.now()}`,
    clientId: 'plain',
    bootstrapBrokers: [...broker.brokers],
  });
  const { topics } = await consumer.metadata({ topics: [topic] });
  const offsets = await consumer.listOffsets({ topics: [topic] });
  const expected = offsets.get(topic)!.reduce((sum, end) => sum + Number(end), 0);
  const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST, autocommit: false });
  const seen: { key: string; value: string }[] = [];
  assert.ok(topics.has(topic));
  for await (const { key, value } of stream) {
    seen.push({ key: key.toString(), value: value.toString() });
    if (seen.length === expected) break;
  }
  await consumer.close(true);
  return seen;
}

void describe("the tutorial's own file, table and messages", { timeout: 240_000 }, () => {
  for (const [edition, table] of Object.entries(tables)) {
    void it(`start the shop: ${edition}`, async () => {
      const folder = makeTemporaryFolder();
      const place = await database.createDatabase();
      const connection = await createConnection(place.dsn);
      await connection.query(table);
      await connection.query(firstBooks);
      const file = join(folder, 'config.yml');
      await writeFile(file, configFile(place));
      const shop = await startFrom(file, join(folder, 'data'));
      try {
        const search = (query: string) => rowsAt(`${shop.web}/api/books?q=${encodeURIComponent(query)}`);
        await until('its books are found', async () => (await rowsAt(`${shop.web}/api/books`)).length === 2);
        assert.deepEqual(
          (await search('trial')).map(({ id, title }) => [id, title]),
          [[3, 'The Trial']],
        );
        await connection.query(laterBook);
        await until(
          'a book its own service adds is found',
          async () => (await rowsAt(`${shop.web}/api/books`)).length === 3,
        );
        const added = await fetch(`${shop.web}/api/books`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            title: 'The Castle',
            author: 'Franz Kafka',
            published_at: '1926',
            description: 'Snow.',
          }),
        });
        assert.equal(added.status, 201, await added.text());
        const [stored] = await connection.query("SELECT author FROM books WHERE title = 'The Castle'");
        assert.deepEqual(stored, [{ author: 'Franz Kafka' }]);
      } finally {
        await shop.stop();
        await connection.end();
        await deleteTopics();
      }
    });
  }

  void it('count plain messages, and ours are what plain consumers expect', async () => {
    const folder = makeTemporaryFolder();
    const place = await database.createDatabase();
    const connection = await createConnection(place.dsn);
    await connection.query(tables.Go);
    await connection.query(firstBooks);
    await connection.end();
    const file = join(folder, 'config.yml');
    await writeFile(file, configFile(place));
    const shop = await startFrom(file, join(folder, 'data'));
    const producer = new Producer({
      clientId: 'plain',
      bootstrapBrokers: [...broker.brokers],
      serializers: stringSerializers,
    });
    try {
      await until('its books are found', async () => (await rowsAt(`${shop.web}/api/books`)).length === 2);
      const value = JSON.stringify(await rowsAt(`${shop.web}/api/books?q=metamorphosis`));
      const keys = ['metamorphosis', 'metamorphosis:reader-1', 'metamorphosis:reader-2', 'metamorphosis:reader-1'];
      await producer.send({ messages: keys.map((key) => ({ topic, key, value })) });
      const counted = async (): Promise<Row | undefined> =>
        (await rowsAt(`${shop.trend}/trends?ps=100`)).find(({ query }) => query === 'metamorphosis');
      await until('all five are counted', async () => (await counted())?.['searches'] === 5);
      assert.deepEqual((await counted())?.['readers'], 4);
      const seen = await consumeAll();
      assert.deepEqual(
        seen.find(({ key }) => key === 'metamorphosis'),
        { key: 'metamorphosis', value },
      );
      assert.deepEqual(Object.keys((JSON.parse(value) as Row[])[0]!).slice(0, 5), [
        'id',
        'title',
        'author',
        'published_at',
        'description',
      ]);
    } finally {
      await producer.close();
      await shop.stop();
      await deleteTopics();
    }
  });
});
