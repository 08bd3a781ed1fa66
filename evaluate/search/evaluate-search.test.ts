import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { makeTemporaryFolder } from '../../test/support/temporary-folder.ts';

describe('evaluation of search', () => {
  let folder = '';
  before(() => {
    folder = makeTemporaryFolder();
    writeFileSync(
      join(folder, 'books.csv'),
      'id,title,author,popularity\n1,Moby Dick,Herman Melville,9\n2,Silent Spring,Rachel Carson,5\n3,The Sea Wolf,Jack London,3\n',
    );
    writeFileSync(
      join(folder, 'queries.tsv'),
      'clean\tmoby dick\tMoby Dick\tHerman Melville\nclean\tzebra\tSilent Spring\tRachel Carson\nauthor_only\tcarson\tAnother Title\tRachel Carson\n',
    );
    writeFileSync(join(folder, 'pairs.tsv'), 'slient\tsilent\nmelvile\tmelville\nspring\tspring\n');
  });

  const evaluate = (...args: readonly string[]) =>
    spawnSync(process.execPath, [join(import.meta.dirname, '../evaluate.ts'), 'search', ...args], {
      cwd: folder,
      encoding: 'utf8',
    });

  it('counts what is found of lists and queries, compares with MiniSearch, and corrects words', () => {
    const files = ['--books', 'books.csv', '--queries', 'queries.tsv', '--typo-pairs', 'pairs.tsv', '--minisearch'];
    const { stdout, status } = evaluate(...files);
    const result = JSON.parse(stdout) as Record<'sets' | 'minisearch' | 'typo_pairs', Record<string, unknown>[]>;
    const found = (sets: Record<string, unknown>[]) =>
      sets.map((set) => [set['set'], set['queries'], set['success_at_5']]);
    assert.equal(status, 0);
    assert.deepEqual(found(result.sets), [
      ['clean', 2, 0.5],
      ['author_only', 1, 1],
    ]);
    assert.deepEqual(found(result.minisearch), found(result.sets));
    assert.deepEqual(result.typo_pairs, [
      { edits: 0, pairs: 1, right: 0 },
      { edits: 1, pairs: 2, right: 1 },
    ]);
  });

  it('makes up books and queries, and fails where too few are found', () => {
    assert.equal(evaluate('--made-up', '300', '--at-least', '0.5').status, 0);
    const { status, stderr } = evaluate('--books', 'books.csv', '--queries', 'queries.tsv', '--at-least', '0.6');
    assert.equal(status, 1);
    assert.match(stderr, /expected at least 0\.6 of the books among the first five: clean\n/);
  });
});
