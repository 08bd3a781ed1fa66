import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { makeTemporaryFolder } from '../../../../../test/support/temporary-folder.ts';
import { openSqlite, type SqliteDatabase } from '../../../../sqlite/connection.ts';
import { createRandom } from '../../../../commands/simulate/random.ts';
import { isLaterAnswer, type Answer } from '../tally.ts';
import type { CountedSearch } from '../../trend-projection.ts';
import { createLatestAnswers } from './count-searches.ts';
import { countsMigrations } from './trend-store.ts';

type Timed = Answer & { time: number };

const migrations = [countsMigrations];
const queries = 3;
/** Answers come about in order: so many ms out of it, four commits a ms. */
const disorderMs = 4;
const spellings = [null, null, 'emma'];
const lists = ['[1]', '[1]', '[2]'].map((text) => new Uint8Array(Buffer.from(text)));

function stored(database: SqliteDatabase): readonly unknown[] {
  return database
    .prepare('SELECT query, answered_ms AS time_ms, corrected, books FROM last_search JOIN answer USING (query)')
    .all();
}

function asStored(latest: ReadonlyMap<number, Timed>): readonly unknown[] {
  return [...latest]
    .toSorted(([a], [b]) => a - b)
    .map(([query, { time, corrected, books }]) => ({ query, time_ms: time, corrected, books }));
}

const plain = (rows: readonly unknown[]): string => JSON.stringify(rows.map((row) => ({ ...(row as object) })));

function searchWith(answer: Timed): CountedSearch {
  const rest = { label: '', hour: 0, reader: null, anonymous: false, place: 0, lead: 1, unanswered: false };
  return { kind: 'search', queryKey: '', ...rest, ...answer };
}

describe('the latest answers', () => {
  it('are those of the greatest time, whatever is remembered, rolled back or forgotten', async () => {
    const folder = makeTemporaryFolder();
    for (let seed = 1; seed <= 20; seed++) {
      const database = openSqlite(join(folder, `${seed}.sqlite`), { migrations, busyTimeoutMs: 1_000 });
      const random = createRandom(seed);
      const below = (limit: number): number => Math.floor(random() * limit);
      const answers = createLatestAnswers(database);
      let latest = new Map<number, Timed>();
      for (let commit = 0; commit < 200; commit++) {
        const before = new Map(latest);
        const isRolledBack = below(30) === 0;
        const body = (): void => {
          for (let kept = below(6); kept >= 0; kept--) {
            const answer = {
              time: Math.floor(commit / 4) + below(disorderMs),
              corrected: spellings[below(3)]!,
              books: lists[below(3)]!,
            };
            const query = 1 + below(queries);
            answers.keep({ query, lastMs: answer.time, latest: searchWith(answer) });
            const known = latest.get(query);
            if (known === undefined || isLaterAnswer(answer, known)) latest.set(query, answer);
          }
          if (isRolledBack) throw new Error('rolled back');
        };
        if (isRolledBack) {
          assert.throws(() => database.transaction(body));
          answers.forget();
          latest = before;
        } else database.transaction(body);
        if (below(30) === 0) {
          const query = 1 + below(queries);
          for (const table of ['last_search', 'answer']) {
            database.prepare(`DELETE FROM ${table} WHERE query = ?`).run(query);
          }
          answers.forget();
          latest.delete(query);
        }
        assert.equal(plain(stored(database)), plain(asStored(latest)), `seed ${seed}, commit ${commit}`);
      }
      database.close();
    }
  });
});
