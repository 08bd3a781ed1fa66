import type { MysqlValue } from '../../../../../mysql/connection.ts';

/** Half of what the smallest servers take in one statement, as quoted text may be twice as long. */
const mostBytes = 1 << 20;

/** Rows in groups that each fit into one statement, at least one row in every group. */
export function inPieces(rows: readonly (readonly MysqlValue[])[]): readonly (readonly (readonly MysqlValue[])[])[] {
  const pieces: (readonly MysqlValue[])[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    const more = row.reduce<number>((sum, value) => sum + bytesOf(value), 0);
    if (bytes + more > mostBytes) {
      pieces.push([]);
      bytes = 0;
    }
    pieces.at(-1)!.push(row);
    bytes += more;
  }
  return pieces;
}

function bytesOf(value: MysqlValue): number {
  return typeof value === 'string' ? 3 * value.length : 20;
}
