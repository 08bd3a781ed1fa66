import { after, before } from 'node:test';
import type { DatabaseServer } from '../../test/servers/database-server.ts';
import { startDatabase } from '../../test/servers/start-database.ts';
import { mergeContract, mergeSchema } from '../sql/merge.contract.ts';
import { openMysql, type MysqlDatabase } from './database.ts';
import { runSteps } from './transaction.ts';

let server: DatabaseServer;
let database: MysqlDatabase;
before(async () => {
  server = await startDatabase();
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
