import { globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { importCircles, projectFolder, readStructure, type SourceFile } from '../test/support/structure.ts';
import { filesOfOneSearch } from './search-path.ts';

/**
 * `npm run house [-- --search] [--kafka] [FOLDER]`: how large the source of a checkout is, and how it hangs together.
 * With `--search` it runs the shop there, and lists the files that one search passes on its way to `/trends`.
 */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { search: { type: 'boolean', default: false }, kafka: { type: 'boolean', default: false } },
});
const folder = resolve(positionals[0] ?? projectFolder);
const files = readStructure(folder);
const smallLines = 45;

const figures: Record<string, number | string> = {
  'source files': files.length,
  ...countLines(),
  'largest folder': largestFolder(),
  'import circles': importCircles(files).length,
  [`files of at most ${smallLines} lines with one importer`]: lonelyFiles().length,
};
if (values.search || values.kafka) {
  const passed = await filesOfOneSearch(folder, values.kafka);
  figures[`files that one search passes${values.kafka ? ' on Kafka' : ''}`] = passed.length;
  for (const path of passed) console.log(path);
}
for (const [name, figure] of Object.entries(figures)) console.log(`${name.padEnd(52)} ${figure}`);

/** Comment lines begin with a comment; what follows code on a line counts as code. */
function countLines() {
  const sql = globSync('**/*.sql', { cwd: join(folder, 'src') });
  const source = [...files.map(({ path }) => path), ...sql].map((path) => join('src', path));
  const all = ['src/**/*.{ts,sql}', 'test/**/*.ts', 'bench/**/*.ts'].flatMap((glob) => globSync(glob, { cwd: folder }));
  const lines = source.flatMap(linesOf);
  const comments = lines.filter((line) => /^\s*(?:\/\/|\/\*|\*|--)/.test(line)).length;
  const blank = lines.filter((line) => line.trim() === '').length;
  return {
    'source lines, .sql included': lines.length,
    'of these comment lines': comments,
    'of these lines of code': lines.length - comments - blank,
    'lines of source, tests and benchmarks': all.flatMap(linesOf).length,
  };
}

function linesOf(path: string): readonly string[] {
  return readFileSync(join(folder, path), 'utf8').split('\n').slice(0, -1);
}

function largestFolder(): string {
  const counts = new Map<string, number>();
  for (const { path } of files) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  const [name, count] = [...counts].sort((one, other) => other[1] - one[1])[0] ?? ['', 0];
  return `${count} files (src/${name})`;
}

function lonelyFiles(): readonly SourceFile[] {
  const importers = new Map<string, number>();
  for (const { imports, starts } of files) {
    for (const target of new Set([...imports, ...starts])) importers.set(target, (importers.get(target) ?? 0) + 1);
  }
  return files.filter(({ path, lines }) => lines <= smallLines && importers.get(path) === 1);
}
