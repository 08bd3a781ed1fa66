import { setTimeout as delay } from 'node:timers/promises';
import { reason, SamsaError } from '../errors.ts';
import { backoffMs } from '../runtime/waiting.ts';
import type { MysqlConnection } from './connection.ts';
import { isCollision, isLostConnection } from './errors.ts';

const attempts = 6;
const backoff = { firstMs: 20, mostMs: 400 };
/** No attempt begins after this time: lock waits add up. */
const attemptsWithinMs = 8_000;

/** Runs `body` in a transaction on this connection. `snapshot` only reads, all as of one moment. */
export async function inTransaction<Result>(
  connection: MysqlConnection,
  kind: 'write' | 'snapshot',
  body: (connection: MysqlConnection) => Promise<Result>,
): Promise<Result> {
  if (kind === 'write') {
    await connection.change('START TRANSACTION');
  } else {
    await connection.change('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await connection.change('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
  }
  let result: Result;
  try {
    result = await body(connection);
  } catch (error) {
    // When this fails too, the connection is lost, and the server rolls back.
    if (!connection.isLost()) await connection.change('ROLLBACK').catch(() => {});
    throw error;
  }
  await commit(connection);
  return result;
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
export async function withRetries<Result>(transaction: () => Promise<Result>): Promise<Result> {
  const deadline = performance.now() + attemptsWithinMs;
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction();
    } catch (error) {
      const mayPass = !(error instanceof SamsaError) && (isCollision(error) || isLostConnection(error));
      if (!mayPass || attempt === attempts || performance.now() > deadline) throw error;
    }
    await delay(backoffMs(attempt, backoff));
  }
}
