import { reason, SamsaError } from '../errors.ts';
import { retry } from '../runtime/waiting.ts';
import type { MysqlConnection } from './connection.ts';
import { isCollision, isLostConnection } from './errors.ts';
import { inKeyOrder, upsert, type Step, type Steps } from '../sql/statements.ts';

/**
 * Runs `body` in a transaction on this connection. `snapshot` only reads, all as of one moment: that of the first
 * statement of `body`.
 */
export async function inTransaction<Result>(
  connection: MysqlConnection,
  kind: 'write' | 'snapshot',
  body: (connection: MysqlConnection) => Promise<Result>,
): Promise<Result> {
  if (kind === 'write') connection.queue('START TRANSACTION');
  else startSnapshot(connection);
  try {
    const result = await body(connection);
    await commit(connection);
    return result;
  } catch (error) {
    connection.dropQueued();
    // When this fails too, the connection is lost, and the server rolls back.
    if (!connection.isLost()) await connection.change('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** All reads until the transaction ends see the data of one moment: that of the next statement. */
export function startSnapshot(connection: MysqlConnection): void {
  connection.queue('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
  const readOnly = connection.server.hasReadOnlySnapshots ? ', READ ONLY' : '';
  connection.queue(`START TRANSACTION WITH CONSISTENT SNAPSHOT${readOnly}`);
}

async function commit(connection: MysqlConnection): Promise<void> {
  try {
    await connection.change('COMMIT');
  } catch (error) {
    if (!isLostConnection(error)) throw error;
    throw new SamsaError('store-unavailable', `whether a transaction was committed is unknown: ${reason(error)}`, {
      cause: error,
      retryable: true,
    });
  }
}

/**
 * Runs a whole transaction again after a deadlock, a lock wait or a connection lost before its commit; waits 10–400 ms
 * between attempts, longer each time, jittered.
 */
export function withRetries<Result>(transaction: () => Promise<Result>): Promise<Result> {
  return retry(transaction, {
    isTemporary: (error) => !(error instanceof SamsaError) && (isCollision(error) || isLostConnection(error)),
    backoff: { firstMs: 20, mostMs: 400 },
    attempts: 6,
    // Lock waits add up.
    withinMs: 8_000,
  });
}

/**
 * Runs steps one after another, on a connection or inside its open transaction. Create them inside the body that is
 * given to `transaction`: a repeated transaction needs new steps.
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
