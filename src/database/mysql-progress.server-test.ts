import { after, before } from 'node:test';
import { startMariaDb, type MariaDb } from '../../test/servers/mariadb.ts';
import { openMysql } from './mysql-database.ts';
import { createMysqlProgress, progressMigrations } from './mysql-progress.ts';
import { progressContract, type ContractChange } from './progress.contract.ts';

let server: MariaDb;
before(async () => {
  server = await startMariaDb();
});
after(() => server.stop());

progressContract('MySQL', async () => {
  const database = await openMysql(await server.createDatabase(), { migrations: [progressMigrations] });
  await database.connected((connection) =>
    connection.change('CREATE TABLE word (id INT AUTO_INCREMENT PRIMARY KEY, word VARCHAR(20) NOT NULL)'),
  );
  let nowMs = 1_000_000;
  const watermarks: number[] = [];
  const occasions: string[] = [];
  const progress = createMysqlProgress<ContractChange>(
    database,
    async (changes, { connection, watermarkMs, occasion }) => {
      watermarks.push(watermarkMs);
      occasions.push(occasion);
      for (const { word, fail } of changes) {
        await connection.change('INSERT INTO word (word) VALUES (?)', [word]);
        if (fail === true) throw new Error('cannot be applied');
      }
    },
    async () => nowMs,
  );
  return {
    progress,
    passMs: (ms) => {
      nowMs += ms;
    },
    words: () =>
      database.read(async (connection) =>
        (await connection.rows('SELECT word FROM word ORDER BY id')).map((row) => String(row['word'])),
      ),
    watermarks: () => watermarks,
    occasions: () => occasions,
    close: database.close,
  };
});
