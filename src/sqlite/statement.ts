import type { SQLInputValue, StatementResultingChanges, StatementSync } from 'node:sqlite';

/**
 * The statement with two of its manners changed. What it throws, `iterate` apart, is what `translate` makes of it. And
 * `run` tells the id of the row the connection inserted last whatever it is: of itself it throws when that is above 2^53,
 * and FTS5 writes such rows of its own when it notes down what was removed.
 */
export function mannered(statement: StatementSync, translate: (error: unknown) => unknown): StatementSync {
  const translating =
    <Result>(method: (...values: SQLInputValue[]) => Result) =>
    (...values: SQLInputValue[]): Result => {
      try {
        return method.apply(statement, values);
      } catch (error) {
        throw translate(error);
      }
    };
  statement.get = translating(statement.get) as StatementSync['get'];
  statement.all = translating(statement.all) as StatementSync['all'];
  const run = statement.columns().length > 0 ? statement.run : tellingAnyRowId(statement);
  statement.run = translating(run) as StatementSync['run'];
  return statement;
}

function tellingAnyRowId(statement: StatementSync): (...values: SQLInputValue[]) => StatementResultingChanges {
  statement.setReadBigInts(true);
  const run: (...values: SQLInputValue[]) => StatementResultingChanges = statement.run.bind(statement);
  return (...values) => {
    const { changes, lastInsertRowid } = run(...values);
    return { changes: Number(changes), lastInsertRowid: Number(lastInsertRowid) };
  };
}
