import { globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

export const projectFolder = join(import.meta.dirname, '../..');

/**
 * Which rooms a room may import from, and which of its files other rooms may import (`*` = any). Commands and
 * `main.ts` may import from every room, through its doors.
 */
export const rooms: Readonly<Record<string, { imports: readonly string[]; doors: readonly string[] }>> = {
  errors: { imports: [], doors: ['*'] },
  runtime: { imports: ['errors'], doors: ['*'] },
  text: { imports: ['runtime'], doors: ['*'] },
  events: { imports: ['runtime', 'errors'], doors: ['*'] },
  sql: { imports: [], doors: ['*'] },
  sqlite: { imports: ['sql', 'runtime', 'errors'], doors: ['*'] },
  mysql: { imports: ['sql', 'runtime', 'errors'], doors: ['*'] },
  log: {
    imports: ['events', 'sqlite', 'runtime', 'errors'],
    // `samsa move` writes to the cluster itself, not through a spool.
    doors: [
      'log.ts',
      'open-log.ts',
      'topic-rules.ts',
      'shared-reads.ts',
      'kafka/log.ts',
      'spool/spool-file.ts',
      'spool/set-aside.ts',
    ],
  },
  progress: { imports: ['events', 'sql', 'sqlite', 'mysql', 'runtime', 'errors'], doors: ['*'] },
  projection: {
    imports: ['events', 'log', 'progress', 'runtime', 'errors'],
    doors: [
      'projection.ts',
      'run-projection.ts',
      'ledger.ts',
      'instance-name.ts',
      'measure-projection.ts',
      'dead-letters.ts',
      'replay.ts',
      'divergence.ts',
    ],
  },
  http: { imports: ['runtime', 'errors'], doors: ['*'] },
  config: { imports: ['events', 'runtime', 'errors'], doors: ['config.ts'] },
  'services/web': {
    imports: ['text', 'events', 'log', 'projection', 'progress', 'sql', 'sqlite', 'mysql', 'http', 'runtime', 'errors'],
    doors: [
      'web-service.ts',
      'search/search-index.ts',
      'catalogue/catalogue.ts',
      'catalogue/store/move-catalogue.ts',
      'catalogue/store/sqlite/reconcile-with-log.ts',
    ],
  },
  'services/trend': {
    imports: ['text', 'events', 'log', 'projection', 'progress', 'sql', 'sqlite', 'mysql', 'http', 'runtime', 'errors'],
    doors: ['trend-service.ts', 'state.ts'],
  },
  'services/recommendation': {
    imports: ['text', 'events', 'log', 'projection', 'progress', 'sql', 'sqlite', 'mysql', 'http', 'runtime', 'errors'],
    doors: ['recommendation-service.ts', 'state.ts'],
  },
  commands: { imports: ['*'], doors: ['*'] },
  main: { imports: ['*'], doors: ['*'] },
};

/** What each room holds, for people. */
const contents: Readonly<Record<string, string>> = {
  errors: 'the one error class and its codes',
  runtime: 'waiting and retries, threads, caches, files, time',
  text: 'what a word is, and what authors, ISBN and languages of books mean',
  events: 'what happened: one file for each fact, and how it is written into a record',
  sql: 'statements and merges that SQLite and MySQL share',
  sqlite: 'connection, transaction, errors, checkpoints of SQLite; a file as a lock between processes',
  mysql: 'connection, pool, transaction, locks, errors of MySQL, MariaDB and TiDB',
  log: 'the event log: `sqlite` in a file, `kafka` in a cluster, `spool` on disk in front of the cluster',
  progress: 'how far a projection has read, its leases and dead letters, stored beside its state',
  projection: 'the loop that reads a topic and turns records into state; repeats, dead letters, replay, lag',
  http: 'what all three services share: checking requests, failures as problems, limits, health, metrics',
  config: 'every setting, parsed and checked',
  'services/web': 'the shop: `search`, `catalogue`, `pages`, `readers`',
  'services/trend': 'what readers search for: `store` counts, `answers` ranks',
  'services/recommendation': 'what a reader might like: `store` remembers, `model` learns, `answers` suggests',
  commands: 'one file for each command of `samsa`; `serve.ts` for those that start services',
  main: 'the command line',
};

export type SourceFile = {
  /** Relative to `src/`. */
  readonly path: string;
  readonly room: string;
  readonly lines: number;
  readonly exports: readonly string[];
  /** Paths of imported files, relative to `src/`. */
  readonly imports: readonly string[];
  /** Paths of worker files that it starts. */
  readonly starts: readonly string[];
};

/** Every TypeScript file of a checkout's `src/` that is not a test or a contract. */
export function readStructure(folder = projectFolder): readonly SourceFile[] {
  const source = join(folder, 'src');
  return globSync('**/*.ts', { cwd: source })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !/\.(contract|test|server-test|browser-test)\.ts$/.test(path))
    .sort()
    .map((path) => {
      const text = readFileSync(join(source, path), 'utf8');
      return {
        path,
        room: roomOf(path),
        lines: text.split('\n').length - 1,
        exports: [...text.matchAll(/^export (?:async )?(?:function|const|type|interface|class) (\w+)/gm)].map(
          (m) => m[1]!,
        ),
        imports: [...text.matchAll(/^(?:import|export) [^;]*? from '(\.[^']+)'|\bimport\('(\.[^']+)'\)/gm)].map((m) =>
          posix.join(dirname(path), m[1] ?? m[2]!),
        ),
        starts: [...text.matchAll(/new URL\('(\.[^']+\.ts)'/g)].map((m) => posix.join(dirname(path), m[1]!)),
      };
    });
}

/** The longest room name that the path lies in; a file of `src/` itself is its own room by its first word. */
function roomOf(path: string): string {
  const folder = Object.keys(rooms).find((room) => path.startsWith(`${room}/`));
  if (folder !== undefined) return folder;
  const name = path.replace(/\.ts$/, '');
  return Object.keys(rooms).find((room) => name === room || name.startsWith(`${room}-`)) ?? name;
}

/** Imports that the table of rooms does not allow, as sentences. */
export function forbiddenImports(files: readonly SourceFile[]): readonly string[] {
  const problems: string[] = [];
  for (const file of files) {
    const room = rooms[file.room];
    if (room === undefined) {
      problems.push(`${file.path} lives in no room: move it, or add its room to the table`);
      continue;
    }
    for (const target of [...file.imports, ...file.starts]) {
      const targetRoom = roomOf(target);
      if (targetRoom === file.room) continue;
      if (!room.imports.includes('*') && !room.imports.includes(targetRoom)) {
        problems.push(`${file.path} imports ${target}: ${file.room} may not import ${targetRoom}`);
      } else if (!isDoor(target, targetRoom, file.room)) {
        problems.push(
          `${file.path} imports ${target}: enter ${targetRoom} by ${rooms[targetRoom]?.doors.join(' or ')}`,
        );
      }
    }
  }
  return problems;
}

/** `open-*` files are doors for commands, where adapters are chosen. */
function isDoor(target: string, targetRoom: string, fromRoom: string): boolean {
  const doors = rooms[targetRoom]?.doors ?? [];
  const isOpener = posix.basename(target).startsWith('open-');
  return (
    doors.some((door) => door === '*' || target === `${targetRoom}/${door}`) || (fromRoom === 'commands' && isOpener)
  );
}

/**
 * Import circles, each as the paths along it. Type imports count. A `new URL` to a worker's file does not: the worker
 * starts by itself.
 */
export function importCircles(files: readonly SourceFile[]): readonly string[] {
  const importsOf = new Map(files.map((file) => [file.path, file.imports]));
  const finished = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at !== -1) circles.push([...trail.slice(at), path].join(' -> '));
    if (at !== -1 || finished.has(path)) return;
    for (const target of importsOf.get(path) ?? []) visit(target, [...trail, path]);
    finished.add(path);
  };
  for (const { path } of files) visit(path, []);
  return circles;
}

/** Rooms that may import each other, over any number of rooms. */
export function roomCircles(): readonly string[] {
  const reached = (room: string, met: ReadonlySet<string> = new Set()): ReadonlySet<string> =>
    (rooms[room]?.imports ?? []).reduce(
      (all, next) => (all.has(next) ? all : reached(next, new Set([...all, next]))),
      met,
    );
  return Object.keys(rooms).filter((room) => reached(room).has(room));
}

/** The table of `docs/architecture.md`: what every room holds and what it may import. */
export function describeRooms(): string {
  const lines = ['| room | holds | may import |', '| --- | --- | --- |'];
  for (const [name, { imports }] of Object.entries(rooms)) {
    lines.push(`| ${name} | ${contents[name] ?? ''} | ${imports.map(shown).join(', ')} |`);
  }
  return `${lines.join('\n')}\n`;
}

/** Every source file with what it exports and which rooms it uses. */
export function describeFiles(files: readonly SourceFile[]): string {
  const lines = ['| file | exports | uses |', '| --- | --- | --- |'];
  for (const file of files) {
    const uses = [...new Set(file.imports.map(roomOf))].filter((room) => room !== file.room).sort();
    lines.push(`| ${file.path} | ${file.exports.join(', ')} | ${uses.join(', ')} |`);
  }
  return `${lines.join('\n')}\n`;
}

function shown(name: string): string {
  return name === '*' ? 'anything' : name;
}
