import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
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
  roomCircles,
} from './support/structure.ts';

const page = join(projectFolder, 'docs/architecture.md');
const begin = '<!-- structure: written by `npm run docs`, checked by test/architecture.test.ts -->\n';
const end = '<!-- end of structure -->';

it('imports only what the table of rooms allows', () => {
  assert.deepEqual(forbiddenImports(readStructure()), []);
});

it('has no import circles, of files or of rooms', () => {
  assert.deepEqual(importCircles(readStructure()), []);
  assert.deepEqual(roomCircles(), []);
});

it('loads no driver of a server in a shop that keeps everything in files', () => {
  const files = [
    'commands/serve/start-consumer.ts',
    'commands/serve/start-web.ts',
    'services/trend/state.ts',
    'services/trend/trend-service.ts',
    'services/recommendation/state.ts',
    'services/recommendation/recommendation-service.ts',
    'services/recommendation/answers/open-answers.ts',
  ];
  const program = `
    const { registerHooks } = await import('node:module');
    const loaded = new Set();
    registerHooks({ resolve: (name, context, next) => (loaded.add(name), next(name, context)) });
    for (const file of ${JSON.stringify(files)}) await import('${projectFolder}/src/' + file);
    console.log([...loaded].filter((name) => ['mysql2', '@platformatic/kafka'].includes(name)).join(' '));`;
  assert.equal(execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' }), '\n');
});

it('refers only to documents and files that exist', () => {
  const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: projectFolder });
  const code = globSync(['{src,test,bench}/**/*.{ts,js,sql}'], { cwd: projectFolder });
  const known = new Set([...pages, ...code]);
  const isThere = (target: string): boolean => known.has(target) || existsSync(join(projectFolder, target));
  const links = targetsIn(pages, /\]\((?!https?:)([^)#\s]+)/g).map(({ path, target }) => ({
    path,
    target: join(dirname(path), target),
  }));
  const citations = targetsIn(code, /(docs\/[\w/.-]+\.md)/g);
  const decisions = targetsIn([...pages, ...code], /[Dd]ecision (\d{3})/g);
  const names = targetsIn(pages, /`((?:[\w.-]+\/)*[\w.-]+\.ts)`/g);
  assert.ok(links.length > 0 && citations.length > 0 && decisions.length > 0 && names.length > 0);
  assert.deepEqual(
    [
      ...[...links, ...citations].filter(({ target }) => !isThere(target)),
      ...decisions.filter(({ target }) => !pages.some((page) => page.startsWith(`docs/decisions/${target}-`))),
      ...names.filter(({ target }) => !code.some((file) => file === target || file.endsWith(`/${target}`))),
    ],
    [],
  );
});

function targetsIn(paths: readonly string[], pattern: RegExp): readonly { path: string; target: string }[] {
  return paths.flatMap((path) =>
    [...readFileSync(join(projectFolder, path), 'utf8').matchAll(pattern)].map((match) => ({
      path,
      target: match[1]!,
    })),
  );
}

it('lists its rooms in docs/architecture.md', () => {
  const built = `\n${describeRooms()}\n`;
  const text = readFileSync(page, 'utf8');
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
  if (process.env['SAMSA_WRITE_DOCS'] === '1') writeFileSync(page, text.slice(0, from) + built + text.slice(to));
  else assert.equal(text.slice(from, to), built, 'docs/architecture.md is not current: run `npm run docs`');
  console.log(describeFiles(readStructure()));
});
