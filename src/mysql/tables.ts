import { hash } from 'node:crypto';

const rememberedStatements = 500;

/** Replaces `state.name` in a statement by the table it means. Statements are constants, so results are cached. */
export function createTableNaming(prefix: string): (sql: string) => string {
  const named = new Map<string, string>();
  return (sql) => {
    let text = named.get(sql);
    if (text === undefined) {
      text = sql.replaceAll(/\bstate\.(\w+)/g, (_, name: string) => `\`${prefix}${name}\``);
      if (named.size >= rememberedStatements) named.clear();
      named.set(sql, text);
    }
    return text;
  };
}

/**
 * The prefix of the tables of one group id: another id reads the log again, into other tables. The id may be any text, so
 * an id other than the default is hashed.
 */
export function stateTablePrefix(service: string, groupId: string, usualId: string): string {
  return groupId === usualId ? `${service}_` : `${service}_${hash('sha256', groupId, 'hex').slice(0, 10)}_`;
}

/** The columns of a row as one text that differs for different rows. */
export function rowText(...columns: readonly string[]): string {
  return `CONCAT_WS('|', ${columns.map((column) => `COALESCE(HEX(${column}), '-')`).join(', ')}) AS row_text`;
}
