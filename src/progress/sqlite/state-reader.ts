import { DatabaseSync } from 'node:sqlite';
import { reason, SamsaError } from '../../errors.ts';
import { isDamage, storeError } from '../../sqlite/errors.ts';
import { runSteps } from '../../sqlite/run-steps.ts';
import type { Steps } from '../../sql/statements.ts';
import { readDeadLetters } from '../dead-letters.ts';
import { lookInside, readInstances, readProgress, type StateReader } from '../state.ts';

/** @throws SamsaError only when it reads: `store-damaged`, `data-folder-unusable` when the file cannot be read. */
export function openSqliteStateReader(path: string): StateReader {
  const read = async <Result>(steps: Steps<Result>): Promise<Result> => {
    try {
      const connection = openForReading(path, 1_000);
      try {
        return runSteps(connection, steps);
      } finally {
        connection.close();
      }
    } catch (error) {
      if (isDamage(error)) throw storeError(path, error);
      throw new SamsaError('data-folder-unusable', `${path}: expected the state of a service, got: ${reason(error)}`, {
        cause: error,
      });
    }
  };
  return {
    progress: () => read(readProgress()),
    inside: async (projection) => {
      const seen = await read(readInstances(projection));
      return { ...(await read(lookInside(projection))), instances: seen.map(({ instance }) => instance) };
    },
    deadLetters: (query) => read(readDeadLetters(query)),
    close: async () => {},
  };
}

/** A file of an older program is not changed, but read through views with today's names. */
export function openForReading(path: string, busyTimeoutMs: number): DatabaseSync {
  const connection = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs });
  const columns = connection.prepare("SELECT name FROM pragma_table_info('position')").all();
  if (columns.some(({ name }) => name === 'partition')) connection.exec(todaysNames);
  return connection;
}

const todaysNames = `
  CREATE TEMP VIEW position AS
    SELECT row_number() OVER (ORDER BY projection, topic, partition) AS id, projection, topic,
      partition AS partition_no, topic_id, first AS first_offset, next AS next_offset, log_end, arrived_ms, fingerprint,
      applied, duplicate, dead, late, gap, compacted, instance AS owner, leased_until_ms
    FROM main.position;
  CREATE TEMP VIEW lease AS
    SELECT id AS position_id, owner AS instance, leased_until_ms, 0 AS seen_end FROM temp.position;
  CREATE TEMP VIEW dead_letter AS
    SELECT id, projection, topic, partition AS partition_no, log_offset, arrived_ms, key AS record_key,
      value AS record_value, headers, cause, reason, status, settled_ms
    FROM main.dead_letter;
`;
