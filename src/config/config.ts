import { closest } from 'fastest-levenshtein';
import { readConfigFile } from './file.ts';
import type { DatabaseLocation } from './parsers.ts';
import { aliases, keysByName, readTable, sections, table, variableOf, withoutEffect, type Settings } from './keys.ts';
import { SamsaError } from '../errors.ts';

type Read = Settings<typeof table>;

/** Every setting of the shop, checked (docs/contract.md §3). Plain data, so that worker threads can receive it. */
export type Config = Omit<Read, 'db' | 'remote'> & {
  readonly db: DatabaseLocation & { readonly tls: Read['db']['tls'] };
  /** Where the web page finds the other two services. */
  readonly remote: { readonly trendUrl: string; readonly recommendationUrl: string };
};

type Setting = {
  readonly given: unknown;
  readonly source: 'file' | 'environment';
  /** Its name in messages. */ readonly called: string;
};

const shownProblems = 30;

/**
 * Reads the settings: defaults, then the file, then `SAMSA_…` variables of the environment. Later ones override earlier
 * ones.
 * @returns the settings, and notices about keys that have no effect here.
 * @throws SamsaError `bad-configuration` that names all problems at once. It never contains a secret.
 */
export function loadConfig(sources: {
  readonly file?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}): { readonly config: Config; readonly notices: readonly string[] } {
  const problems: string[] = [];
  const notices: string[] = [];
  const settings = new Map<string, Setting>();
  const take = (name: string, setting: Setting): void => {
    const known = Object.hasOwn(aliases, name) ? aliases[name]! : name;
    const idle = known.startsWith('cache.') ? 'cache' : known;
    const before = settings.get(known);
    if (Object.hasOwn(withoutEffect, idle))
      notices.push(`${setting.called} has no effect here: ${withoutEffect[idle]}.`);
    else if (!keysByName.has(known)) problems.push(unknownKey(name, setting));
    else if (before?.source === setting.source)
      problems.push(`${setting.called}: the same as ${before.called}, give one of them.`);
    else settings.set(known, setting);
  };
  if (sources.file !== undefined) takeFile(sources.file, take, problems);
  takeEnvironment(sources.environment, take);
  const read = readTable((name, { parse, fallback, secret }) => {
    const setting = settings.get(name);
    if (setting === undefined) return fallback;
    const parsed = parse(setting.given);
    if ('value' in parsed) return parsed.value;
    problems.push(
      `${setting.called}: expected ${parsed.expected}, got ${secret ? 'something else' : shown(setting.given)}.`,
    );
    return fallback;
  });
  problems.push(...disagreements(read, settings));
  if (problems.length > 0) throw refuse(problems);
  return { config: complete(read), notices };
}

function takeFile(file: string, take: (name: string, setting: Setting) => void, problems: string[]): void {
  const { settings, problems: faults } = readConfigFile(file);
  problems.push(...faults);
  for (const { name, given, line } of settings) {
    take(name, { given, source: 'file', called: `${name.slice(0, 80)} (${file}, line ${line})` });
  }
}

const variables: ReadonlyMap<string, string> = new Map(
  [...keysByName.keys(), ...Object.keys(aliases), ...Object.keys(withoutEffect)].map((name) => [
    variableOf(name),
    name,
  ]),
);

function takeEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  take: (name: string, setting: Setting) => void,
): void {
  for (const [variable, given] of Object.entries(environment)) {
    if (!variable.startsWith('SAMSA_') || given === undefined) continue;
    const name = variable.startsWith('SAMSA_CACHE_') ? 'cache' : (variables.get(variable) ?? variable);
    take(name, { given, source: 'environment', called: variable.slice(0, 80) });
  }
}

function unknownKey(name: string, { source, called }: Setting): string {
  const near =
    source === 'environment'
      ? closest(name, [...variables.keys()])
      : closest(name, [...keysByName.keys(), ...sections, ...Object.keys(aliases)]);
  return `${called}: there is no such setting. Did you mean ${near}?`;
}

/** At most 81 characters on one line, without passwords in URLs. */
function shown(given: unknown): string {
  if (Array.isArray(given) && given.length > 5) return `a list of ${given.length}`;
  const text = (JSON.stringify(given) ?? 'nothing').replaceAll(/\/\/[^/@\s]*@/g, '//…@');
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}

/** Checks settings that are valid alone but not together. */
function disagreements(
  { data, db, mq, trend, recommendation }: Read,
  settings: ReadonlyMap<string, Setting>,
): string[] {
  const problems: string[] = [];
  const topics = Object.values(mq.topics);
  if (new Set(topics).size < topics.length) {
    problems.push(`mq.topic and mq.topics: expected four different names, got ${topics.join(', ')}.`);
  }
  if (trend.groupId === recommendation.groupId) {
    problems.push(`trend.group_id and recommendation.group_id: expected different names, got ${trend.groupId} twice.`);
  }
  if (db.dsn.kind === 'sqlite' && db.dsn.folder !== null && settings.has('data') && db.dsn.folder !== data) {
    problems.push(
      'data and db.dsn: expected one folder, got two. Leave db.dsn out: data is where SQLite keeps everything.',
    );
  }
  if ((mq.sasl.username === null) !== (mq.sasl.password === null)) {
    problems.push('mq.sasl.username and mq.sasl.password: expected both or neither, got one.');
  }
  for (const [section, { cert, key }] of [['db', db.tls] as const, ['mq', mq.tls] as const]) {
    if ((cert === null) === (key === null)) continue;
    problems.push(`${section}.tls.cert and ${section}.tls.key: expected both or neither, got one.`);
  }
  return problems;
}

function complete({ db: { dsn, tls }, remote, ...read }: Read): Config {
  return {
    ...read,
    data: dsn.kind === 'sqlite' ? (dsn.folder ?? read.data) : read.data,
    db: { ...dsn, tls },
    remote: {
      trendUrl: remote.trendUrl ?? localUrl(read.trend),
      recommendationUrl: remote.recommendationUrl ?? localUrl(read.recommendation),
    },
  };
}

/** The URL at which this machine reaches a service that listens on this host and port. */
export function localUrl({ host, port }: { readonly host: string; readonly port: number }): string {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

function refuse(problems: readonly string[]): SamsaError {
  const more = problems.length > shownProblems ? [`and ${problems.length - shownProblems} more`] : [];
  const lines = [...problems.slice(0, shownProblems), ...more].map((line) => `\n  ${line}`).join('');
  return new SamsaError('bad-configuration', `The configuration cannot be used:${lines}`);
}
