import {
  databaseName,
  databaseTime,
  openConnection,
  type MysqlAddress,
  type MysqlConnection,
} from '../../mysql/connection.ts';
import { isUnknownTable, translateErrors } from '../../mysql/errors.ts';
import { isTaken, lockScopeOf } from '../../mysql/locks.ts';
import { runSteps } from '../../mysql/run-steps.ts';
import { readDeadLetters } from '../dead-letters.ts';
import { lookInside, readInstances, readProgress, type StateReader } from '../state.ts';
import { instanceLock } from './progress.ts';

const timeoutMs = 60_000;
/** Longer than any lease lasts. */
const seenWithinMs = 10_000;

/** On its own connection, without creating or changing tables. @see openStateReader */
export async function openMysqlStateReader(address: MysqlAddress): Promise<StateReader | null> {
  const name = databaseName(address);
  const ours = <Result>(work: Promise<Result>): Promise<Result> => translateErrors(name, work);
  const connection = await ours(openConnection(address, timeoutMs));
  if (!(await ours(hasState(connection)))) {
    await connection.quit();
    return null;
  }
  const inside: StateReader['inside'] = async (projection) => {
    const instances = await readingInstances(connection, lockScopeOf(address), projection);
    return { ...(await runSteps(connection, lookInside(projection))), instances };
  };
  return {
    progress: () => ours(runSteps(connection, readProgress())),
    inside: (projection) => ours(inside(projection)),
    deadLetters: (query) => ours(runSteps(connection, readDeadLetters(query))),
    close: connection.quit,
  };
}

/** Whether there is a state under the prefix of this connection. */
export async function hasState(connection: MysqlConnection): Promise<boolean> {
  try {
    await connection.rows('SELECT 1 FROM state.dead_letter LIMIT 1');
    return true;
  } catch (error) {
    if (isUnknownTable(error)) return false;
    throw error;
  }
}

/** Instances that were seen a moment ago, or still have the connection they commit on, frozen or not. */
export async function readingInstances(
  connection: MysqlConnection,
  lockScope: string,
  projection: string,
): Promise<readonly string[]> {
  const seenSinceMs = (await databaseTime(connection)) - seenWithinMs;
  const reading: string[] = [];
  for (const { instance, seenMs } of await runSteps(connection, readInstances(projection))) {
    if (seenMs > seenSinceMs || (await isTaken(connection, instanceLock(lockScope, instance)))) reading.push(instance);
  }
  return reading;
}
