import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import {
  describeFiles,
  describeRooms,
  forbiddenImports,
  importCircles,
  projectFolder,
  readStructure,
} from './support/structure.ts';

const page = join(projectFolder, 'docs/architecture.md');
const begin = '<!-- structure: written by `npm run docs`, checked by test/architecture.test.ts -->\n';
const end = '<!-- end of structure -->';

it('imports only what the table of rooms allows', () => {
  assert.deepEqual(forbiddenImports(readStructure()), []);
});

it('has no import circles', () => {
  assert.deepEqual(importCircles(readStructure()), []);
});

it('has its rooms in docs/architecture.md', () => {
  const built = `\n${describeRooms()}\n`;
  const text = readFileSync(page, 'utf8');
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
  if (process.env['SAMSA_WRITE_DOCS'] === '1') writeFileSync(page, text.slice(0, from) + built + text.slice(to));
  else assert.equal(text.slice(from, to), built, 'docs/architecture.md is not current: run `npm run docs`');
  console.log(describeFiles(readStructure()));
});
