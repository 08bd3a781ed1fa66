import { inKeyOrder, upsert, type Step, type Steps } from '../sql/statements.ts';
import type { MysqlConnection } from './connection.ts';

/**
 * Runs steps one after another, on a connection or inside its open transaction. Begin them inside the body that is given
 * to `transaction`: after a collision that runs again, with new steps.
 */
export async function runSteps<Result>(connection: MysqlConnection, steps: Steps<Result>): Promise<Result> {
  let next = steps.next();
  while (next.done !== true) next = steps.next(await execute(connection, next.value));
  return next.value;
}

async function execute(connection: MysqlConnection, step: Step): Promise<unknown> {
  if (step.kind === 'upsert') {
    return connection.queueRows(upsert(step.table, 'mysql'), inKeyOrder(step.table, step.rows));
  }
  if (step.kind === 'several') return connection.rowsOfEach(step.queries);
  return step.kind === 'rows' ? connection.rows(step.sql, step.values) : connection.change(step.sql, step.values);
}
