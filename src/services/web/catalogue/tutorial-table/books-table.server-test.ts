import assert from 'node:assert/strict';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import type { TestDatabase } from '../../../../../test/servers/database-server.ts';
import { startMariaDb } from '../../../../../test/servers/mariadb.ts';
import { until } from '../../../../../test/support/until.ts';
import { openMysql } from '../../../../mysql/database.ts';
import { openMysqlCatalogue } from '../store/mysql/catalogue.ts';
import type { MergedRow } from '../import-run.ts';
import type { OpenCatalogue } from '../catalogue.ts';
import type { OutboxRow } from '../outbox/outbox.ts';

/**
 * As the tutorial's ORM makes it from `struct { ID uint; Title, Author, PublishedAt, Description string; CreatedAt
 * time.Time }`.
 */
const tutorialTable = `CREATE TABLE books (
  id BIGINT UNSIGNED AUTO_INCREMENT, title LONGTEXT, author LONGTEXT, published_at LONGTEXT, description LONGTEXT,
  created_at DATETIME(3) NULL, PRIMARY KEY (id))`;
const outcomesOf = (merged: readonly MergedRow[]): readonly string[] => merged.map(({ outcome }) => outcome);
const everything = { maxRows: 10_000, maxBytes: 1 << 24 };

const server = await startMariaDb();
after(server.stop);

describe('a table of books somebody else made', () => {
  let place: TestDatabase;
  const opened: OpenCatalogue[] = [];

  beforeEach(async () => {
    place = await server.createDatabase();
    await server.ask(`ALTER DATABASE ${place.database} CHARACTER SET latin1`);
  });
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
  });

  /** As the tutorial's service would ask, on its own connection. */
  const ask = async (...statements: readonly string[]): Promise<readonly unknown[]> => {
    const database = await openMysql(place, { migrations: [] });
    try {
      return await database.connected(async (connection) => {
        let rows: readonly unknown[] = [];
        for (const statement of statements) {
          if (statement.startsWith('SELECT')) rows = await connection.rows(statement);
          else await connection.change(statement);
        }
        return rows.map((row) => Object.values(row as object));
      });
    } finally {
      await database.close();
    }
  };
  const open = async (): Promise<OpenCatalogue> => {
    const one = await openMysqlCatalogue(place, {
      clock: Date.now,
      onNotAdopted: (problem) => assert.fail(problem),
    });
    opened.push(one);
    return one;
  };
  const told = async ({ outbox }: OpenCatalogue, rows: number): Promise<readonly OutboxRow[]> => {
    await until(`${rows} changes in the outbox`, async () => (await outbox.read(everything)).length >= rows);
    return outbox.read(everything);
  };

  it('becomes the catalogue: rows keep their ids, can be read, and are sent to the log', async () => {
    await ask(
      tutorialTable,
      `INSERT INTO books VALUES (3, 'The Great Gatsby', 'F. Scott Fitzgerald', '1925-04-10', 'Caf\u00e9', '2024-05-06 07:08:09.123'),
       (17, 'Undated', '', 'once upon a time', NULL, NULL), (18, '  ', 'Nobody', '', '', NULL)`,
    );
    const shop = await open();
    const changes = (await told(shop, 3)).map(({ change }) => change);
    assert.deepEqual(
      changes.map(({ bookId }) => bookId),
      [3, 17, 18],
    );
    const gatsby = {
      id: 3,
      title: 'The Great Gatsby',
      author: 'F. Scott Fitzgerald',
      published_at: '1925-04-10',
      description: 'Café',
      created_at: '2024-05-06T07:08:09Z',
      popularity: 0,
    };
    assert.deepEqual(changes[0]?.book, gatsby);
    assert.deepEqual(await shop.catalogue.get(3), gatsby);
    const undated = await shop.catalogue.get(17);
    assert.deepEqual([undated?.published_at, undated?.description, undated?.created_at], [null, null, null]);
    assert.equal((await shop.catalogue.get(18))?.title, '(no title)');
    assert.deepEqual(await ask('SELECT * FROM books WHERE id IN (17, 18)'), [
      [17, 'Undated', '', 'once upon a time', null, null],
      [18, '  ', 'Nobody', '', '', null],
    ]);
    assert.equal((await shop.catalogue.add({ ...content, title: 'Next' })).bookId, 19);
  });

  const content = {
    title: 'Odd \u{1f4da} 雪国 ',
    author: 'Ünïcödé\t',
    published_at: '1935',
    description: 'Line\nline \u{1f600}',
    isbn: null,
    series: 'Series ',
    subjects: ['É', 'e'],
    language: 'ja',
    popularity: 5,
    other_titles: ['Yukiguni'],
  };

  it('keeps every character of what it is given, and shows it to the tutorial’s service', async () => {
    await ask(tutorialTable);
    const { catalogue } = await open();
    const { book } = await catalogue.add(content);
    assert.deepEqual(await catalogue.get(1), book);
    assert.deepEqual([book.title, book.author, book.description], [content.title, content.author, content.description]);
    const shown = await ask('SELECT title, author, published_at, description FROM books');
    assert.deepEqual(shown, [[content.title, content.author, '1935', content.description]]);
    const run = catalogue.startImport('s');
    const rows = ['a', 'A', 'a ', 'ä'].map((sourceId) => ({ sourceId, fields: { title: `T ${sourceId}` } }));
    assert.deepEqual(outcomesOf(await run.merge(rows)), ['added', 'added', 'added', 'added']);
  });

  it('may have its own columns, also narrow ones and times instead of texts', async () => {
    await ask(
      `CREATE TABLE books (id INT AUTO_INCREMENT PRIMARY KEY, created_at BIGINT, updated_at DATETIME(3), deleted_at DATETIME(3),
         title VARCHAR(80) CHARACTER SET latin1 NOT NULL, author VARCHAR(400), published_at DATE, price INT NOT NULL DEFAULT 7,
         shelf ENUM('a', 'b'), KEY by_title (title))`,
      `INSERT INTO books (title, author, published_at, shelf, deleted_at) VALUES ('Emma', 'Jane Austen', '1815-12-23', 'b', NULL),
       ('Gone', 'Nobody', NULL, NULL, '2024-01-01'), ('Dated', 'Nobody', '0000-00-00', NULL, NULL)`,
    );
    const shop = await open();
    await told(shop, 2);
    assert.equal((await shop.catalogue.get(1))?.published_at, '1815-12-23');
    assert.deepEqual([await shop.catalogue.get(2), (await shop.catalogue.get(3))?.published_at], [null, null]);
    const emma = { title: 'Emma', author: 'Jane Austen', published_at: '1815', language: 'en' };
    assert.deepEqual(outcomesOf(await shop.catalogue.startImport('s').merge([{ sourceId: 'x', fields: emma }])), [
      'updated',
    ]);
    const added = await shop.catalogue.add({ ...content, title: 'x'.repeat(500), published_at: '1935' });
    assert.deepEqual(await shop.catalogue.get(added.bookId), added.book);
    assert.equal(typeof added.book.created_at, 'string');
    assert.deepEqual(await ask('SELECT price, shelf FROM books WHERE id = 1'), [[7, 'b']]);
    await shop.catalogue.change(1, null);
    assert.deepEqual(await ask('SELECT id FROM books ORDER BY id'), [[2], [3], [added.bookId]]);
  });

  it('is taken in once, however many open it together', async () => {
    await ask(tutorialTable);
    const rows = Array.from({ length: 1_000 }, (_, at) => `('Book ${at}')`);
    await ask(`INSERT INTO books (title) VALUES ${rows.join(', ')}`);
    const shops = await Promise.all([open(), open(), open(), open()]);
    const run = shops[0].catalogue.startImport('s');
    assert.deepEqual(outcomesOf(await run.merge([{ sourceId: '1', fields: { title: 'Book 999' } }])), ['unchanged']);
    const ids = (await told(shops[1], 1_000)).map(({ change }) => change.bookId);
    assert.equal(new Set(ids).size, 1_000);
    assert.equal(ids.length, 1_000);
  });

  it('is still used by others: later rows are adopted, and books marked as deleted are removed', async () => {
    await ask(tutorialTable, 'ALTER TABLE books ADD COLUMN deleted_at DATETIME(3)');
    const shop = await open();
    await ask("INSERT INTO books (title, author) VALUES ('Later', 'Somebody')");
    const [added] = await told(shop, 1);
    assert.equal(added?.change.book?.title, 'Later');
    await ask('UPDATE books SET deleted_at = NOW(3)');
    const removed = (await told(shop, 2))[1]?.change;
    assert.deepEqual([removed?.book, removed?.version], [null, (added?.change.version ?? 0) + 1]);
    assert.equal(await shop.catalogue.get(1), null);
    assert.deepEqual(await shop.catalogue.census(), { books: 0, everHeld: 1 });
  });

  it('outranks what the log knows of an id when the row was replaced behind our back', async () => {
    await ask(tutorialTable, "INSERT INTO books (title) VALUES ('First')");
    const shop = await open();
    await told(shop, 1);
    await shop.catalogue.change(1, { ...content, title: 'Changed' });
    await ask('DELETE FROM books', "INSERT INTO books (id, title) VALUES (1, 'Second')");
    const versions = (await told(shop, 3)).map(({ change }) => change.version);
    assert.deepEqual(
      versions,
      versions.toSorted((one, other) => one - other),
    );
    assert.equal(new Set(versions).size, 3);
  });

  it('gets rid of the columns that an earlier version added, and keeps what stood in them', async () => {
    await ask(
      `CREATE TABLE books (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, title LONGTEXT, author LONGTEXT,
         published_at LONGTEXT, description LONGTEXT, created_at DATETIME(3), samsa_version BIGINT,
         samsa_published_at VARBINARY(16), samsa_isbn VARBINARY(13), samsa_series VARBINARY(800), samsa_subjects BLOB,
         samsa_language VARBINARY(100), samsa_popularity BIGINT, samsa_title_hash BINARY(16),
         KEY samsa_by_version (samsa_version), KEY samsa_by_isbn (samsa_isbn), KEY samsa_by_title (samsa_title_hash))
         DEFAULT CHARACTER SET utf8mb4`,
      `INSERT INTO books VALUES (2, 'Emma', 'Jane Austen', '1815', '', '2024-05-06 07:08:09', 7, '1815',
         '9780743273565', 'Classics #1', '["Love"]', 'en', 5, UNHEX('00000000000000000000000000000000'))`,
      "INSERT INTO books (id, title) VALUES (4, 'Not seen yet')",
      `CREATE TABLE catalogue_removed_book (id BIGINT UNSIGNED NOT NULL PRIMARY KEY, version BIGINT NOT NULL,
         created_at VARBINARY(40))`,
      "INSERT INTO catalogue_removed_book VALUES (3, 9, '2024-01-01T00:00:00Z')",
    );
    const shop = await open();
    await told(shop, 1);
    assert.deepEqual(await shop.catalogue.get(2), {
      id: 2,
      title: 'Emma',
      author: 'Jane Austen',
      published_at: '1815',
      description: null,
      created_at: '2024-05-06T07:08:09Z',
      isbn: '9780743273565',
      series: 'Classics #1',
      subjects: ['Love'],
      language: 'en',
      popularity: 5,
    });
    assert.deepEqual(await shop.catalogue.census(), { books: 2, everHeld: 3 });
    assert.deepEqual(await ask('SELECT * FROM books WHERE id = 4'), [[4, 'Not seen yet', null, null, null, null]]);
    const emma = { sourceId: 'x', fields: { title: 'EMMA', author: 'Jane Austen', published_at: '1815' } };
    assert.deepEqual(outcomesOf(await shop.catalogue.startImport('s').merge([emma])), ['updated']);
    assert.equal((await shop.catalogue.change(2, { ...content, title: 'Emma' })).version, 9);
  });

  it('keeps columns of its maker that are called as ours are', async () => {
    const made = `version VARCHAR(9), removed VARCHAR(9) NOT NULL DEFAULT 'no', isbn VARCHAR(20), series INT, subjects TEXT,
      language VARCHAR(9), popularity DOUBLE, other_titles TEXT, givers TEXT, title_key INT, text_crc VARCHAR(9),
      own INT, samsa_version VARCHAR(9), samsa_isbn VARCHAR(20), samsa_note TEXT`;
    const values = `'v1', 'yes', '80-902', 3, 'x', 'cs', 0.5, 'o', 'g', 4, 'crc', 5, 'v2', '81-902', 'mine'`;
    await ask(
      `CREATE TABLE books (id BIGINT AUTO_INCREMENT PRIMARY KEY, title LONGTEXT, author LONGTEXT, published_at LONGTEXT,
         description LONGTEXT, created_at DATETIME(3), ${made}, KEY samsa_by_note (samsa_isbn))`,
      `INSERT INTO books VALUES (1, 'Emma', 'Jane Austen', '1815', '', '2024-05-06 07:08:09', ${values})`,
    );
    const shop = await open();
    await told(shop, 1);
    const emma = await shop.catalogue.get(1);
    assert.deepEqual([emma?.title, emma?.isbn, emma?.language, emma?.popularity], ['Emma', undefined, undefined, 0]);
    await shop.catalogue.change(1, { ...content, title: 'Emma', author: 'Jane Austen', isbn: '9780743273565' });
    const { bookId } = await shop.catalogue.add({ ...content, title: 'Persuasion', author: 'Jane Austen' });
    const rows = [{ sourceId: 'x', fields: { title: 'Persuasion', author: 'Jane Austen', published_at: '1935' } }];
    await ask('UPDATE catalogue_title_keys SET version = 0, next_id = 1 WHERE id = 1');
    assert.deepEqual(outcomesOf(await shop.catalogue.startImport('s').merge(rows)), ['unchanged']);
    assert.equal((await shop.catalogue.get(1))?.isbn, '9780743273565');
    const own = made.split(',').map((column) => column.trim().split(' ')[0]);
    assert.deepEqual(await ask(`SELECT ${own.join(', ')} FROM books WHERE id = 1`), [
      ['v1', 'yes', '80-902', 3, 'x', 'cs', 0.5, 'o', 'g', 4, 'crc', 5, 'v2', '81-902', 'mine'],
    ]);
    assert.deepEqual(await ask(`SELECT removed, samsa_note FROM books WHERE id = ${bookId}`), [['no', null]]);
    await ask("UPDATE books SET title = 'Emma again' WHERE id = 1");
    await until('the row is taken in again', async () => (await shop.catalogue.get(1))?.title === 'Emma again');
  });

  const refused = async (table: string, message: RegExp): Promise<void> => {
    await ask('DROP TABLE IF EXISTS books', table);
    await assert.rejects(open(), { code: 'bad-configuration', message });
  };

  it('is refused when it cannot be a catalogue, with what to do about it', async () => {
    const id = 'id BIGINT AUTO_INCREMENT PRIMARY KEY';
    await refused('CREATE TABLE books (title LONGTEXT)', /expected a column id, found none.*ADD COLUMN id/);
    await refused('CREATE TABLE books (id BIGINT, title LONGTEXT)', /as the primary key, found none.*ADD PRIMARY KEY/);
    await refused('CREATE TABLE books (id VARCHAR(36) PRIMARY KEY)', /varchar without AUTO_INCREMENT.*MODIFY id/);
    await refused(`CREATE TABLE books (${id}) ENGINE = MyISAM`, /engine MyISAM.*ENGINE = InnoDB/);
    await refused(`CREATE TABLE books (${id}, slug INT NOT NULL, rack INT NOT NULL)`, /found none for slug, rack/);
    await refused(
      `CREATE TABLE books (${id}, title VARCHAR(9) UNIQUE)`,
      /may have equal title, found the unique index title\..*DROP INDEX/,
    );
    await refused(`CREATE TABLE books (${id}, author INT)`, /author as text, found int/);
    await refused(`CREATE TABLE books (${id}, title VARCHAR(9) DEFAULT 'x')`, /found varchar\(9\) in latin1.*MODIFY/);
    await refused(`CREATE TABLE books (${id}, published_at DATE NOT NULL)`, /found none for published_at/);
  });
});
