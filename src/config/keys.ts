import {
  addressRanges,
  brokers,
  flag,
  groupId,
  host,
  integer,
  listOf,
  oneOf,
  orNull,
  parseDsn,
  port,
  secretText,
  serviceUrl,
  text,
  token,
  unlessEmpty,
  topicName,
  type DatabaseLocation,
  type Parse,
} from './parsers.ts';
import { defaultTopicNames } from '../events/topics.ts';

export type Key<Value> = {
  readonly parse: Parse<Value>;
  readonly fallback: Value;
  /** Never shown in messages. */
  readonly secret: boolean;
  /** Its name in files, when that differs from its path in the table spelled with underscores. */
  readonly name?: string;
};

function key<Value>(parse: Parse<Value>, fallback: NoInfer<Value>, name?: string): Key<Value> {
  return { parse, fallback, secret: false, ...(name !== undefined && { name }) };
}

function secret<Value>(parse: Parse<Value>, fallback: NoInfer<Value>): Key<Value> {
  return { parse, fallback, secret: true };
}

/** PEM files. Encryption is on when `enabled` is true, or by default when a certificate is given. */
const tls = {
  enabled: key(orNull(flag), null),
  ca: key(orNull(text), null),
  cert: key(orNull(text), null),
  key: key(orNull(text), null),
};

/**
 * Every setting of the shop (docs/contract.md §3). The path of a key in this table is its path in `Config`. Spelled
 * with underscores it is the name in the file (`app.page_size`) and in the environment (`SAMSA_APP_PAGE_SIZE`).
 */
export const table = {
  /** The folder of every embedded store. */
  data: key(text, './data'),
  app: {
    /** 0 = any free port, here and below. */
    port: key(port, 8080),
    host: key(host, '127.0.0.1'),
    /** Books on a page of results. */
    pageSize: key(integer(1, 100), 10),
    operatorToken: secret(unlessEmpty(token), null),
    /** Signs cookies. `null`: created once and kept in the data folder. */
    secret: secret(unlessEmpty(secretText(16)), null),
    /** Proxies whose forwarding headers are believed. */
    trustProxy: key(addressRanges, []),
    /** Requests a minute and client, 0 = no limit. `null`: 600, and no limit in open mode. */
    rateLimit: key(orNull(integer(0, 1_000_000)), null),
  },
  db: {
    dsn: secret<DatabaseLocation>(parseDsn, { kind: 'sqlite', folder: null }),
    tls,
  },
  mq: {
    /** Empty: the embedded log. */
    brokers: key(brokers, []),
    topics: {
      searches: key(topicName, defaultTopicNames.searches, 'mq.topic'),
      actions: key(topicName, defaultTopicNames.actions),
      changes: key(topicName, defaultTopicNames.changes),
      operator: key(topicName, defaultTopicNames.operator),
    },
    keyFormat: key(oneOf('query', 'query:reader'), 'query'),
    partitions: key(integer(1, 1_000), 4),
    /** `null`: the broker's default. */
    replication: key(orNull(integer(1, 100)), null),
    sasl: {
      mechanism: key(oneOf('PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'), 'PLAIN'),
      username: key(orNull(text), null),
      password: secret(orNull(secretText(1)), null),
    },
    tls,
    /** `normal` survives a killed process, `full` a power cut. */
    spoolSync: key(oneOf('normal', 'full'), 'normal'),
    spoolLimitMb: key(integer(1, 1_000_000), 1_024),
    spoolOverflow: key(oneOf('drop-oldest', 'drop-newest'), 'drop-oldest'),
  },
  trend: {
    port: key(port, 8081),
    host: key(host, '127.0.0.1'),
    /** Names the projection: changing it re-reads the log. */
    groupId: key(groupId, 'trend-svr'),
    minimumReaders: key(integer(1, 1_000_000), 10),
    /** New readers an hour and address prefix, 0 = off. `null`: 20, and off in open mode. */
    newReadersPerAddress: key(orNull(integer(0, 1_000_000)), null),
    countAnonymous: key(flag, false),
    blockedWords: key(listOf(text, 'a list of words'), []),
  },
  recommendation: {
    port: key(port, 8082),
    host: key(host, '127.0.0.1'),
    /** Names the projection: changing it re-reads the log. */
    groupId: key(groupId, 'rec-svr'),
  },
  remote: {
    trendUrl: key(orNull(serviceUrl), null),
    recommendationUrl: key(orNull(serviceUrl), null),
  },
  log: { level: key(oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'), 'info') },
} as const;

export type Settings<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends Key<infer Value> ? Value : Settings<Table[Name]>;
};

/** Alternative names of keys. */
export const aliases: Readonly<Record<string, string>> = {
  'app.pageSize': 'app.page_size',
  'remote.rec_url': 'remote.recommendation_url',
  'mq.topics.searches': 'mq.topic',
};

/** Keys and sections of the tutorial's files that have no effect here, with the reason. */
export const withoutEffect: Readonly<Record<string, string>> = {
  'app.templates_dir': 'the pages are part of the program',
  'app.templates_pattern': 'the pages are part of the program',
  cache: 'there is no cache server',
  'db.dbName': 'recommendations are kept in the same database as everything else',
  'db.mongo_db_name': 'recommendations are kept in the same database as everything else',
  'db.mongo_uri': 'recommendations are kept in the same database as everything else',
  'db.uri': 'recommendations are kept in the same database as everything else',
  'mq.groupId': 'each service has its own, trend.group_id and recommendation.group_id',
  'mq.group_id': 'each service has its own, trend.group_id and recommendation.group_id',
};

/** Every key by its name. */
export const keysByName: ReadonlyMap<string, Key<unknown>> = new Map(
  [...pathsOf(table)].map(([path, each]) => [nameOf(path, each), each]),
);

/** Every name that has keys below it. */
export const sections: ReadonlySet<string> = new Set(
  [...keysByName.keys(), ...Object.keys(aliases)].flatMap((name) => {
    const parts = name.split('.');
    return parts.slice(1).map((_, depth) => parts.slice(0, depth + 1).join('.'));
  }),
);

/** Reads every key of the table, in its order. */
export function readTable(read: (name: string, key: Key<unknown>) => unknown): Settings<typeof table> {
  return readBranch(table, '', read) as Settings<typeof table>;
}

function readBranch(branch: object, prefix: string, read: (name: string, key: Key<unknown>) => unknown): unknown {
  return Object.fromEntries(
    Object.entries(branch).map(([part, inside]: [string, object]) => {
      const path = `${prefix}${part}`;
      return [part, isKey(inside) ? read(nameOf(path, inside), inside) : readBranch(inside, `${path}.`, read)];
    }),
  );
}

function* pathsOf(branch: object, prefix = ''): Generator<readonly [string, Key<unknown>]> {
  for (const [part, inside] of Object.entries(branch) as readonly (readonly [string, object])[]) {
    if (isKey(inside)) yield [`${prefix}${part}`, inside];
    else yield* pathsOf(inside, `${prefix}${part}.`);
  }
}

function isKey(inside: object): inside is Key<unknown> {
  return 'parse' in inside;
}

function nameOf(path: string, { name }: Key<unknown>): string {
  return name ?? path.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** `app.page_size` as the environment spells it: `SAMSA_APP_PAGE_SIZE`. */
export function variableOf(name: string): string {
  return `SAMSA_${name.replaceAll('.', '_').toUpperCase()}`;
}
