import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { columnText, rows, write, type MergedTable, type SqlValue, type Steps } from './statements.ts';

/** A database that has the tables of `schema`. */
type MergeDatabase = {
  /** In one transaction. */
  readonly run: <Result>(steps: () => Steps<Result>) => Result | Promise<Result>;
};

/** Every kind of column, also side by side. `word` and `note` are what the key and the order determine. */
const tables: readonly MergedTable[] = [
  {
    name: 'mixed',
    key: ['id', 'part'],
    columns: { total: 'sum', most: 'max', bits: 'or', word: 'last', note: 'kept' },
    lastBy: ['time_ms', 'tie_break'],
  },
  { name: 'latest', key: ['id', 'part'], columns: { word: 'last', note: 'kept' }, lastBy: ['time_ms', 'tie_break'] },
  { name: 'present', key: ['id', 'part'], columns: { note: 'kept' } },
];

/** @param text the type of a column of text that is compared by its bytes */
export function mergeSchema(text: string): readonly string[] {
  const key = `id BIGINT NOT NULL, part ${text} NOT NULL, PRIMARY KEY (id, part)`;
  const last = `word ${text}, note ${text} NOT NULL, time_ms BIGINT NOT NULL, tie_break ${text} NOT NULL`;
  return [
    `CREATE TABLE mixed (total BIGINT NOT NULL, most BIGINT NOT NULL, bits BIGINT NOT NULL, ${last}, ${key})`,
    `CREATE TABLE latest (${last}, ${key})`,
    `CREATE TABLE present (note ${text} NOT NULL, ${key})`,
  ];
}

type Written = {
  readonly id: number;
  readonly part: string;
  readonly amount: number;
  readonly bits: number;
  readonly timeMs: number;
  readonly tieBreak: string;
};

const small = { minLength: 0, maxLength: 1 };
const written: fc.Arbitrary<Written> = fc.record({
  id: fc.integer({ min: 0, max: 1 }),
  part: fc.string({ ...small, unit: 'binary' }),
  amount: fc.integer({ min: -5, max: 1e12 }),
  bits: fc.integer({ min: 0, max: 7 }),
  timeMs: fc.integer({ min: 0, max: 2 }),
  tieBreak: fc.constantFrom('', 'A', 'a', 'b', 'ü', 'z', '\u{ffff}', '\u{1f600}'),
});

function rowOf({ name }: MergedTable, { id, part, amount, bits, timeMs, tieBreak }: Written): readonly SqlValue[] {
  const note = `about ${id} ${part}`;
  const word = timeMs === 1 && tieBreak === 'b' ? null : `at ${timeMs} ${tieBreak}`;
  if (name === 'present') return [id, part, note];
  if (name === 'latest') return [id, part, word, note, timeMs, tieBreak];
  return [id, part, amount, amount, bits, word, note, timeMs, tieBreak];
}

/** What the table must hold in the end, worked out in memory. */
function expected(table: MergedTable, all: readonly Written[]): readonly (readonly unknown[])[] {
  const byKey = Map.groupBy(all, ({ id, part }) => `${id} ${part}`);
  return [...byKey.values()]
    .map((same) => {
      const last = same.toSorted(
        (one, other) =>
          one.timeMs - other.timeMs || Buffer.compare(Buffer.from(one.tieBreak), Buffer.from(other.tieBreak)),
      );
      const row = [...rowOf(table, last.at(-1)!)];
      if (table.name !== 'mixed') return row;
      row[2] = same.reduce((sum, { amount }) => sum + amount, 0);
      row[3] = Math.max(...same.map(({ amount }) => amount));
      row[4] = same.reduce((bits, one) => bits | one.bits, 0);
      return row;
    })
    .sort(byText);
}

const byText = (one: readonly unknown[], other: readonly unknown[]): number =>
  Buffer.compare(Buffer.from(JSON.stringify(one)), Buffer.from(JSON.stringify(other)));

function* rewrite(
  table: MergedTable,
  batches: readonly (readonly Written[])[],
): Steps<readonly (readonly unknown[])[]> {
  yield { kind: 'change', sql: `DELETE FROM state.${table.name}`, values: [] };
  for (const batch of batches) {
    yield* write(
      table,
      batch.map((one) => rowOf(table, one)),
    );
  }
  const columns = [...table.key, ...Object.keys(table.columns), ...(table.lastBy ?? [])];
  const texts = new Set(['part', 'word', 'note', 'tie_break']);
  const stored = yield* rows(`SELECT * FROM state.${table.name}`);
  return stored
    .map((row) => columns.map((column) => (texts.has(column) ? columnText(row[column]) : Number(row[column]))))
    .sort(byText);
}

/** What declared merges promise in every database; run it once per technology. */
export function mergeContract(technology: string, open: () => Promise<MergeDatabase>, numRuns: number): void {
  describe(`declared merges in ${technology}`, () => {
    it('end with the same rows in whatever order and batches they are written', async () => {
      const { run } = await open();
      const property = fc.asyncProperty(
        fc.constantFrom(...tables),
        fc.array(written, { minLength: 1, maxLength: 12 }),
        fc.infiniteStream(fc.nat()),
        async (table, all, chance) => {
          const shuffled = all
            .map((one) => ({ one, at: chance.next().value as number }))
            .sort((one, other) => one.at - other.at)
            .map(({ one }) => one);
          const half = Math.floor(all.length / 2);
          const [together, apart] = [[all], [shuffled.slice(0, half), shuffled.slice(half)]];
          const rowsTogether = await run(() => rewrite(table, together));
          assert.deepEqual(rowsTogether, expected(table, all));
          assert.deepEqual(await run(() => rewrite(table, apart)), rowsTogether);
        },
      );
      await fc.assert(property, { numRuns });
    });
  });
}
