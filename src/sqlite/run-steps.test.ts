import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { after, it } from 'node:test';
import { mergeContract, mergeSchema } from '../sql/merge.contract.ts';
import { change, rows } from '../sql/statements.ts';
import { runSteps } from './connection.ts';

const connection = new DatabaseSync(':memory:');
for (const statement of mergeSchema('TEXT')) connection.exec(statement);
connection.exec('CREATE TABLE item (name TEXT, bytes BLOB)');
after(() => connection.close());

mergeContract('SQLite', async () => ({ run: (steps) => runSteps(connection, steps()) }), 1_000);

it('finds lists of numbers, text and bytes, and says how many rows were changed', () => {
  const found = runSteps(
    connection,
    (function* () {
      for (const [name, byte] of [
        ['a', 1],
        ['b', 2],
        ['c', 255],
      ] as const) {
        yield* change('INSERT INTO state.item VALUES (?, ?)', [name, Buffer.from([byte])]);
      }
      const byName = yield* rows('SELECT name FROM state.item WHERE name IN (?) AND name <> ?', [['a', 'c'], 'b']);
      const byBytes = yield* rows('SELECT name FROM state.item WHERE bytes IN (?)', [
        [Buffer.from([2, 255]), Buffer.from([255])],
      ]);
      const removed = yield* change('DELETE FROM state.item WHERE name IN (?)', [[]]);
      return [byName, byBytes, removed, yield* change("UPDATE state.item SET name = 'x'")];
    })(),
  );
  assert.deepEqual(JSON.parse(JSON.stringify(found)), [[{ name: 'a' }, { name: 'c' }], [{ name: 'c' }], 0, 3]);
});
