import { after, before } from 'node:test';
import { startMariaDb, type MariaDb } from '../../test/servers/mariadb.ts';
import { mergeContract, mergeSchema } from '../sql/merge.contract.ts';
import { openMysql, type MysqlDatabase } from './database.ts';
import { runSteps } from './run-steps.ts';

let server: MariaDb;
let database: MysqlDatabase;
before(async () => {
  server = await startMariaDb();
  database = await openMysql(await server.createDatabase(), { migrations: [] });
  for (const statement of mergeSchema('VARBINARY(100)')) {
    await database.connected((connection) => connection.change(statement));
  }
});
after(async () => {
  await database.close();
  await server.stop();
});

mergeContract(
  'MySQL',
  async () => ({ run: (steps) => database.transaction((connection) => runSteps(connection, steps())) }),
  300,
);
