import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../config/config.ts';
import { reason, SamsaError } from '../../errors.ts';
import type { MysqlAddress } from '../../mysql/connection.ts';
import { requireRegularFile } from '../../runtime/files.ts';
import type { StoreLocation } from '../../progress/state.ts';
import type { LogLocation } from '../../log/open-log.ts';

/** The files of a shop below its data folder. */
export type ShopFiles = {
  readonly log: string;
  /** A folder of events that wait for a Kafka cluster. */
  readonly spools: string;
  readonly catalogue: string;
  readonly searchIndex: string;
  /** Of cookies. Without it, every reader is a new one. */
  readonly secret: string;
  readonly trend: string;
  readonly recommendation: string;
};

/** The default group ids. */
export const usualGroupIds = { trend: 'trend-svr', recommendation: 'rec-svr' } as const;

/** Each group id has its own state file, so that a new id reads the log again into a new file. */
export function shopFiles({ data, trend, recommendation }: Config): ShopFiles {
  return {
    log: join(data, 'log.sqlite'),
    spools: join(data, 'spool'),
    catalogue: join(data, 'catalogue.sqlite'),
    searchIndex: join(data, 'search-index.sqlite'),
    secret: join(data, 'secret'),
    trend: join(data, stateFile('trend', trend.groupId, usualGroupIds.trend)),
    recommendation: join(data, stateFile('recommendation', recommendation.groupId, usualGroupIds.recommendation)),
  };
}

function stateFile(service: string, groupId: string, usualId: string): string {
  return groupId === usualId ? `${service}.sqlite` : `${service}.${encodeURIComponent(groupId)}.sqlite`;
}

/**
 * Where the shop's events are kept: at `mq.brokers` if it names any, else in the data folder.
 * @throws SamsaError `bad-configuration` when a certificate cannot be read.
 */
export function logLocation(config: Config): LogLocation {
  const { brokers, partitions, replication, sasl, tls, topics } = config.mq;
  if (brokers.length === 0) return { kind: 'sqlite', path: shopFiles(config).log, topics, partitions };
  const encryption = readEncryption('mq', tls);
  return {
    kind: 'kafka',
    topics,
    partitions,
    replication,
    brokers,
    clientId: `samsa-${hostname()}-${process.pid}`,
    ...(sasl.username !== null && {
      sasl: { mechanism: sasl.mechanism, username: sasl.username, password: sasl.password! },
    }),
    ...(encryption !== null && { tls: encryption }),
  };
}

/**
 * Where a service keeps what its group id has read: at `db.dsn` if it names a database, else in the data folder.
 * @throws SamsaError `bad-configuration` when a certificate cannot be read.
 */
export function stateLocation(config: Config, service: 'trend' | 'recommendation'): StoreLocation {
  const address = databaseAddress(config);
  if (address === null) return { kind: 'sqlite', path: shopFiles(config)[service] };
  const tablePrefix = stateTablePrefix(service, config[service].groupId, usualGroupIds[service]);
  return { kind: 'mysql', ...address, tablePrefix };
}

/**
 * The prefix of the tables of one group id: another id reads the log again, into other tables. The id may be any text,
 * so an id other than the default is hashed.
 */
function stateTablePrefix(service: string, groupId: string, usualId: string): string {
  return groupId === usualId ? `${service}_` : `${service}_${hash('sha256', groupId, 'hex').slice(0, 10)}_`;
}

/**
 * Where the shop's books are kept: at `db.dsn` if it names a database, else in the data folder.
 * @throws SamsaError `bad-configuration` when a certificate cannot be read.
 */
export function catalogueLocation(config: Config): StoreLocation {
  const address = databaseAddress(config);
  return address === null ? { kind: 'sqlite', path: shopFiles(config).catalogue } : { kind: 'mysql', ...address };
}

/** Every state of this shop, including that of the search index. @throws as `stateLocation` does. */
export function stateLocations(config: Config): readonly { readonly name: string; readonly location: StoreLocation }[] {
  return [
    { name: 'trend', location: stateLocation(config, 'trend') },
    { name: 'recommendation', location: stateLocation(config, 'recommendation') },
    { name: 'searchIndex', location: { kind: 'sqlite', path: shopFiles(config).searchIndex } },
  ];
}

/** The database that `db.dsn` names; `null` when everything is embedded. */
function databaseAddress({ db }: Config): MysqlAddress | null {
  if (db.kind !== 'mysql') return null;
  const { host, port, user, password, database, tls } = db;
  const encryption = readEncryption('db', tls);
  return { host, port, user, password, database, ...(encryption !== null && { tls: encryption }) };
}

type TlsSettings = Config['mq']['tls'];
type Encryption = { readonly ca?: string; readonly cert?: string; readonly key?: string };

/** The certificates that the settings name, as PEM; `null` when the connection is not encrypted. */
function readEncryption(section: 'mq' | 'db', { enabled, ca, cert, key }: TlsSettings): Encryption | null {
  const given = Object.entries({ ca, cert, key }).filter((entry): entry is [string, string] => entry[1] !== null);
  if (!(enabled ?? given.length > 0)) return null;
  return Object.fromEntries(given.map(([name, file]) => [name, readPem(`${section}.tls.${name}`, file)]));
}

function readPem(setting: string, file: string): string {
  try {
    requireRegularFile(file);
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new SamsaError(
      'bad-configuration',
      `${setting}: expected a PEM file that can be read, got ${reason(error)}`,
      {
        cause: error,
      },
    );
  }
}
