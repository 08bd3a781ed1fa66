/**
 * Values as the first table of a join, each then looked up in the index of the second. In place of `IN (…)`, for which
 * servers have read the whole of a forced index instead: during an import, what they know of the table is behind.
 */
export const askedBytes = "JSON_TABLE(?, '$[*]' COLUMNS (hex VARCHAR(200) PATH '$')) AS asked";
export const askedNumbers = "JSON_TABLE(?, '$[*]' COLUMNS (number BIGINT UNSIGNED PATH '$')) AS asked";

/** The parameter of `askedBytes`, each value once. Compare with `UNHEX(asked.hex)`. */
export function hexList(values: readonly (string | Uint8Array)[]): string {
  return JSON.stringify([...new Set(values.map((value) => Buffer.from(value).toString('hex')))]);
}
