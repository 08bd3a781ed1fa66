import type { PoolConnection, ResultSetHeader, RowDataPacket } from 'mysql2/promise';
import { isLostConnection } from './mysql-errors.ts';

export type MysqlRow = Readonly<Record<string, unknown>>;

/** A value of a statement; a list stands for `IN (?)`, a list of lists for the rows of `VALUES ?`. */
export type MysqlValue = string | number | null | Uint8Array | readonly MysqlValue[];

/** A connection while it is lent to one piece of work. */
export type MysqlConnection = {
  /** The server's number for it, which no other connection has until the server starts again. */
  readonly id: number;
  readonly rows: (sql: string, values?: readonly MysqlValue[]) => Promise<readonly MysqlRow[]>;
  /** @returns how many rows were found to change, inserted or removed. */
  readonly change: (sql: string, values?: readonly MysqlValue[]) => Promise<number>;
  /** Inserts rows a thousand at a time; `sql` has one `VALUES ?`. */
  readonly insert: (sql: string, rows: readonly (readonly MysqlValue[])[]) => Promise<void>;
  /** True once a statement has failed in a way that leaves the connection of no use. */
  readonly isLost: () => boolean;
};

const rowsPerStatement = 1_000;

/** @param timeoutMs how long a statement may go without an answer; then the connection counts as lost. */
export function lendConnection(connection: PoolConnection, timeoutMs: number): MysqlConnection {
  let lost = false;
  const query = async (sql: string, values: readonly MysqlValue[]): Promise<unknown> => {
    try {
      const [result] = await connection.query<RowDataPacket[] | ResultSetHeader>(
        { sql, timeout: timeoutMs },
        values as MysqlValue[],
      );
      return result;
    } catch (error) {
      lost ||= isLostConnection(error);
      throw error;
    }
  };
  const change = async (sql: string, values: readonly MysqlValue[] = []): Promise<number> =>
    ((await query(sql, values)) as ResultSetHeader).affectedRows;
  return {
    id: connection.threadId,
    rows: async (sql, values = []) => (await query(sql, values)) as MysqlRow[],
    change,
    insert: async (sql, rows) => {
      for (let from = 0; from < rows.length; from += rowsPerStatement) {
        await change(sql, [rows.slice(from, from + rowsPerStatement)]);
      }
    },
    isLost: () => lost,
  };
}

/** What a column of bytes holds as text; `null` for NULL. */
export function columnText(value: unknown): string | null {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString() : null;
}
