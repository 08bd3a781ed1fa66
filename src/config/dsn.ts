/** Where books and state are kept. */
export type DatabaseLocation =
  | { readonly kind: 'sqlite'; /** `null`: the data folder. */ readonly folder: string | null }
  | {
      readonly kind: 'mysql';
      readonly host: string;
      readonly port: number;
      readonly user: string;
      readonly password: string;
      readonly database: string;
    };

type Parsed = { readonly value: DatabaseLocation } | { readonly expected: string };

const goForm = /^(?<user>[^:]*)(?::(?<password>.*))?@tcp\((?<address>[^()]+)\)\/(?<database>[^/?]+)(?:\?.*)?$/s;
const hostAndPort = /^(?:\[(?<ipv6>[0-9A-Fa-f:.]+)\]|(?<name>[^:[\]\s]+))(?::(?<port>\d{1,5}))?$/;
const defaultPort = 3_306;

const expected =
  'sqlite:./folder, mysql://user:password@host:port/database with odd characters percent-encoded, ' +
  'or user:password@tcp(host:port)/database';

/**
 * Reads `db.dsn` in any of its forms. In the Go form the password is taken as it stands, up to the last `@tcp(`; what
 * follows the question mark concerns other drivers and is dropped. What was expected never repeats what came: it may
 * hold a password.
 */
export function parseDsn(given: unknown): Parsed {
  if (typeof given !== 'string') return { expected };
  const dsn = given.trim();
  if (dsn.startsWith('sqlite:')) return parseSqlite(dsn.slice('sqlite:'.length));
  return dsn.startsWith('mysql://') ? parseUrl(dsn) : parseGoForm(dsn);
}

function parseSqlite(folder: string): Parsed {
  if (folder === '' || folder.startsWith('//')) return { expected: 'a folder behind sqlite:, as in sqlite:./data' };
  return { value: { kind: 'sqlite', folder } };
}

function parseGoForm(dsn: string): Parsed {
  const { user = '', password = '', address = '', database = '' } = goForm.exec(dsn)?.groups ?? {};
  return mysql(address, user, password, database);
}

function parseUrl(dsn: string): Parsed {
  const url = URL.parse(dsn);
  if (url === null) return { expected };
  try {
    const [user, password, database] = [url.username, url.password, url.pathname.slice(1)].map(decodeURIComponent);
    return mysql(url.host, user!, password!, database!);
  } catch {
    return { expected };
  }
}

function mysql(address: string, user: string, password: string, database: string): Parsed {
  const { ipv6, name, port } = hostAndPort.exec(address)?.groups ?? {};
  const host = ipv6 ?? name;
  const portNumber = port === undefined ? defaultPort : Number(port);
  const isDatabase = /^[^/\\.\p{Cc}]{1,64}$/u.test(database);
  if (host === undefined || user === '' || !isDatabase || portNumber < 1 || portNumber > 65_535) return { expected };
  return { value: { kind: 'mysql', host, port: portNumber, user, password, database } };
}
