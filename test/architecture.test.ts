import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { describeStructure, forbiddenImports, projectFolder, readStructure } from './support/structure.ts';

const page = join(projectFolder, 'docs/architecture.md');
const begin = '<!-- structure: written by `npm run docs`, checked by test/architecture.test.ts -->\n';
const end = '<!-- end of structure -->';

it('imports only what the table of rooms allows', () => {
  assert.deepEqual(forbiddenImports(readStructure()), []);
});

it('is described file by file in docs/architecture.md', () => {
  const built = `\n${describeStructure(readStructure())}\n`;
  const text = readFileSync(page, 'utf8');
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
  if (process.env['SAMSA_WRITE_DOCS'] === '1') writeFileSync(page, text.slice(0, from) + built + text.slice(to));
  else assert.equal(text.slice(from, to), built, 'docs/architecture.md is not current: run `npm run docs`');
  console.log(built);
});
