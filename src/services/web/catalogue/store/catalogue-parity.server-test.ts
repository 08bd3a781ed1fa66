import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { makeTemporaryFolder } from '../../../../../test/support/temporary-folder.ts';
import { startDatabase } from '../../../../../test/servers/start-database.ts';
import type { SamsaError } from '../../../../errors.ts';
import { demoSource, type SourcedBook } from '../import-run.ts';
import { emptyContent, type BookContent } from '../stored-book.ts';
import type { OpenCatalogue } from '../catalogue.ts';
import { openMysqlCatalogue } from './mysql/catalogue.ts';
import { openSqliteCatalogue } from './sqlite/catalogue.ts';

const clock = (): number => Date.parse('2026-01-02T03:04:05.678Z');
const everything = { maxRows: 100_000, maxBytes: 1 << 26 };

const fields = fc.record(
  {
    title: fc.constantFrom('Emma', 'EMMA', 'Dune', 'Dune ', 'Dune Messiah'),
    author: fc.constantFrom('A', 'B'),
    published_at: fc.constantFrom('1815', null),
    description: fc.constantFrom('Of a list.', null),
    other_titles: fc.constantFrom([], ['Dune']),
    isbn: fc.constantFrom('9780743273565', '9780439023481', null),
    popularity: fc.constantFrom(1, 2),
  },
  { requiredKeys: ['title'] },
);
const rows: fc.Arbitrary<SourcedBook> = fc.record({ sourceId: fc.constantFrom('1', '2', '3', null), fields });
const bookId = fc.integer({ min: 1, max: 4 });
const content = fields.map((some): BookContent => ({ ...emptyContent, ...some }));

type Step =
  | { readonly kind: 'import'; readonly source: string; readonly rows: readonly SourcedBook[] }
  | { readonly kind: 'change'; readonly bookId: number; readonly content: BookContent | null }
  | { readonly kind: 'add'; readonly content: BookContent };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('import' as const),
        source: fc.constantFrom('s', 't', demoSource),
        rows: fc.array(rows),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('add' as const), content }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('change' as const), bookId, content: fc.option(content) }),
    },
  ),
  { maxLength: 8 },
);

const server = await startDatabase();
after(server.stop);

describe('the same imports and edits', () => {
  it('leave the same books and the same outbox in SQLite and in MySQL', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (steps) => {
        const folder = makeTemporaryFolder();
        await using mysql = await openMysqlCatalogue(await server.createDatabase(), {
          clock,
          onNotAdopted: (problem) => assert.fail(problem),
        });
        await using sqlite = openSqliteCatalogue(join(folder, 'c.sqlite'), { clock, busyTimeoutMs: 10 });
        for (const step of steps) {
          const [one, other] = await Promise.all([sqlite, mysql].map((shop) => take(shop, step)));
          assert.deepEqual(other, one);
        }
      }),
      { numRuns: 100 },
    );
  });
});

/** What a step answers, and a logical dump of the catalogue afterwards. */
async function take({ catalogue, outbox }: OpenCatalogue, step: Step): Promise<unknown> {
  const answer = await answerOf(catalogue, step).catch((error: unknown) => (error as SamsaError).code);
  const changes = (await outbox.read(everything)).map(({ change }) => change);
  const books = await Promise.all(Array.from({ length: 60 }, (_, id) => catalogue.get(id + 1)));
  return { answer, changes, books: books.filter((book) => book !== null), census: await catalogue.census() };
}

function answerOf(catalogue: OpenCatalogue['catalogue'], step: Step): Promise<unknown> {
  if (step.kind === 'import') return catalogue.startImport(step.source).merge(step.rows);
  if (step.kind === 'add') return catalogue.add(step.content);
  return step.content === null ? catalogue.change(step.bookId, null) : catalogue.change(step.bookId, step.content);
}
