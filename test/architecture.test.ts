import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

it('refers only to documents and files that exist', () => {
  const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: projectFolder });
  const links = pages.flatMap((path) => targetsIn(path, /\]\((?!https?:)([^)#\s]+)/g, dirname(path)));
  const code = globSync(['src/**/*.{ts,js,sql}', 'test/**/*.ts', 'bench/**/*.ts'], { cwd: projectFolder });
  const citations = code.flatMap((path) => targetsIn(path, /(docs\/[\w/.-]+\.md)/g, ''));
  const decisions = code.flatMap((path) => targetsIn(path, /[Dd]ecision (\d{3})/g, 'docs/decisions'));
  assert.ok(links.length > 0 && citations.length > 0);
  assert.deepEqual(
    [...links, ...citations, ...decisions].filter(({ target }) => !existsAt(target)),
    [],
  );
});

function targetsIn(path: string, pattern: RegExp, folder: string): readonly { path: string; target: string }[] {
  const text = readFileSync(join(projectFolder, path), 'utf8');
  return [...text.matchAll(pattern)].map((match) => ({ path, target: join(folder, match[1]!) }));
}

/** A decision may be named by its number alone. */
function existsAt(target: string): boolean {
  return existsSync(join(projectFolder, target)) || globSync(`${target}-*.md`, { cwd: projectFolder }).length > 0;
}

it('lists its rooms in docs/architecture.md', () => {
  const built = `\n${describeRooms()}\n`;
  const text = readFileSync(page, 'utf8');
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
  if (process.env['SAMSA_WRITE_DOCS'] === '1') writeFileSync(page, text.slice(0, from) + built + text.slice(to));
  else assert.equal(text.slice(from, to), built, 'docs/architecture.md is not current: run `npm run docs`');
  console.log(describeFiles(readStructure()));
});
