import { deadLetterConditions } from '../dead-letter-conditions.ts';
import { decodeHeaders, encodeHeaders } from '../../events/header-bytes.ts';
import type { MysqlConnection, MysqlRow } from '../../mysql/connection.ts';
import type {
  AdoptedDeadLetter,
  DeadLetterCause,
  DeadLetterQuery,
  DeadLetterStatus,
  KeptDeadLetter,
  PartitionName,
  Settlement,
} from '../progress.ts';

/** Inside a transaction; one that is there already keeps its status. */
export async function keepDeadLetters(
  connection: MysqlConnection,
  letters: readonly AdoptedDeadLetter[],
  status: DeadLetterStatus,
  settledMs: number | null,
): Promise<void> {
  // One statement each: a record may be as large as what the server takes at a time.
  for (const letter of letters) {
    await connection.change(
      `INSERT INTO state.dead_letter (projection, topic, partition_no, log_offset, arrived_ms, record_key,
         record_value, headers, cause, reason, status, settled_ms)
       VALUES ? ON DUPLICATE KEY UPDATE status = status`,
      [
        [
          [
            letter.projection,
            letter.topic,
            letter.partition,
            letter.offset,
            letter.timestamp,
            letter.key,
            letter.value,
            encodeHeaders(letter.headers),
            letter.cause,
            letter.reason,
            status,
            settledMs,
          ],
        ],
      ],
    );
  }
}

/**
 * Inside a transaction.
 * @returns false when the letter does not wait.
 */
export async function settleDeadLetter<Change>(
  connection: MysqlConnection,
  { projection, topic, partition, offset, become }: Settlement<Change>,
  nowMs: number,
): Promise<boolean> {
  const where = "projection = ? AND topic = ? AND partition_no = ? AND log_offset = ? AND status = 'waiting'";
  const at = [projection, topic, partition, offset];
  const settled =
    become.status === 'waiting'
      ? await connection.change(`UPDATE state.dead_letter SET cause = ?, reason = ? WHERE ${where}`, [
          become.cause,
          become.reason,
          ...at,
        ])
      : await connection.change(`UPDATE state.dead_letter SET status = ?, settled_ms = ? WHERE ${where}`, [
          become.status,
          nowMs,
          ...at,
        ]);
  return settled === 1;
}

export async function readDeadLetters(
  connection: MysqlConnection,
  query: DeadLetterQuery,
): Promise<readonly KeptDeadLetter[]> {
  const { where, values } = deadLetterConditions(query, 'partition_no');
  const rows = await connection.rows(`SELECT * FROM state.dead_letter ${where} ORDER BY id LIMIT ?`, [
    ...values,
    query.limit,
  ]);
  return rows.map(decodeLetter);
}

/** Offsets from a position on that were discarded before they are read. */
export async function readDiscardedOffsets(
  connection: MysqlConnection,
  projection: string,
  { topic, partition, next }: PartitionName & { readonly next: number },
): Promise<ReadonlySet<number>> {
  const rows = await connection.rows(
    `SELECT log_offset FROM state.dead_letter
     WHERE projection = ? AND topic = ? AND partition_no = ? AND log_offset >= ? AND status = 'discarded'`,
    [projection, topic, partition, next],
  );
  return new Set(rows.map((row) => Number(row['log_offset'])));
}

function decodeLetter(row: MysqlRow): KeptDeadLetter {
  return {
    number: Number(row['id']),
    projection: String(row['projection']),
    topic: String(row['topic']),
    partition: Number(row['partition_no']),
    offset: Number(row['log_offset']),
    timestamp: Number(row['arrived_ms']),
    key: row['record_key'] as Uint8Array | null,
    value: row['record_value'] as Uint8Array | null,
    headers: decodeHeaders(row['headers'] as Uint8Array),
    cause: String(row['cause']) as DeadLetterCause,
    reason: String(row['reason']),
    status: String(row['status']) as DeadLetterStatus,
  };
}
