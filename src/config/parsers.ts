import { isIP, isIPv6 } from 'node:net';

/** Parses a YAML value or the text of an environment variable, or says what was expected. */
export type Parse<Value> = (given: unknown) => { readonly value: Value } | { readonly expected: string };

const longestText = 1_000;
const hostName = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,252})$/;

/** Trimmed text that passes a test. */
function textThat(expected: string, holds: (text: string) => boolean): Parse<string> {
  return (given) => {
    const text = typeof given === 'string' ? given.trim() : '';
    return text !== '' && text.length <= longestText && holds(text) ? { value: text } : { expected };
  };
}

const withoutControl = (text: string): boolean => !/\p{Cc}/u.test(text);

export const text = textThat('text (in quotes, where it looks like a number)', withoutControl);
export const groupId = textThat('1 to 64 visible ASCII characters', (id) => /^[\x21-\x7e]{1,64}$/.test(id));
export const topicName = textThat(
  'a topic name of 1 to 249 letters, digits, dots, dashes and underscores',
  (name) => /^[A-Za-z0-9._-]{1,249}$/.test(name) && !/^\.{1,2}$/.test(name),
);

/** A secret, not trimmed. */
export function secretText(leastLength: number): Parse<string> {
  return (given) =>
    typeof given === 'string' && given.length >= leastLength && given.length <= longestText && withoutControl(given)
      ? { value: given }
      : { expected: leastLength === 1 ? 'text, in quotes' : `text of at least ${leastLength} characters, in quotes` };
}

/** Text that fits an HTTP header, long enough not to be guessed. */
export const token: Parse<string> = (given) =>
  typeof given === 'string' && /^[\x21-\x7e]{16,1000}$/.test(given)
    ? { value: given }
    : { expected: 'a token of at least 16 visible ASCII characters without spaces' };

/** Treats empty text as a setting that is not given: `compose.yaml` passes unset variables that way. */
export function unlessEmpty<Value>(parse: Parse<Value>): Parse<Value | null> {
  return (given) => (given === '' ? { value: null } : parse(given));
}

export function integer(least: number, most: number): Parse<number> {
  return (given) => {
    const number = typeof given === 'string' && /^\d{1,15}$/.test(given.trim()) ? Number(given) : given;
    const fits = typeof number === 'number' && Number.isInteger(number) && number >= least && number <= most;
    return fits ? { value: number } : { expected: `a whole number from ${least} to ${most}` };
  };
}

export const port = integer(0, 65_535);

export const flag: Parse<boolean> = (given) =>
  given === true || given === 'true'
    ? { value: true }
    : given === false || given === 'false'
      ? { value: false }
      : { expected: 'true or false' };

export function oneOf<const Choice extends string>(...choices: readonly Choice[]): Parse<Choice> {
  return (given) => {
    const choice = choices.find((each) => each === given);
    return choice === undefined ? { expected: choices.join(' or ') } : { value: choice };
  };
}

export function orNull<Value>(parse: Parse<Value>): Parse<Value | null> {
  return parse;
}

/** A YAML list, or one string with commas between the items. Nothing but commas is a mistake, and not an empty list. */
export function listOf(item: Parse<string>, expected: string): Parse<readonly string[]> {
  return (given) => {
    const items: unknown = typeof given === 'string' ? given.split(',').filter((each) => each.trim() !== '') : given;
    if (!Array.isArray(items) || items.length > 10_000) return { expected };
    if (items.length === 0 && typeof given === 'string' && given.includes(',')) return { expected };
    const values = items.flatMap((each) => {
      const parsed = item(each);
      return 'value' in parsed ? [parsed.value] : [];
    });
    return values.length === items.length ? { value: values } : { expected };
  };
}

/** A name or an address; an IPv6 address may stand in brackets. */
export const host: Parse<string> = (given) => {
  const name = typeof given === 'string' ? given.trim().replace(/^\[(.*)\]$/, '$1') : '';
  return hostName.test(name) || isIPv6(name)
    ? { value: name }
    : { expected: 'a host name or address such as 127.0.0.1, without a port' };
};

const hostAndPort = textThat('host:port', (text) => {
  const { name = '', port: number = '' } = /^(?<name>.+):(?<port>\d{1,5})$/.exec(text)?.groups ?? {};
  return 'value' in host(name) && Number(number) >= 1 && Number(number) <= 65_535;
});

export const brokers = listOf(hostAndPort, 'a list of host:port such as kafka-1:9092,kafka-2:9092');

const addressRange = textThat('', (range) => {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(range)) return true;
  const [address = '', bits, more] = range.split('/');
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return more === undefined && most > 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most));
});

export const addressRanges = listOf(
  addressRange,
  'a list of IP addresses, ranges such as 10.0.0.0/8, or loopback, linklocal, uniquelocal',
);

/** `http://host:port`; a path or query is dropped. */
export const serviceUrl: Parse<string> = (given) => {
  const url = typeof given === 'string' ? URL.parse(given.trim()) : null;
  const fits = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  return fits ? { value: url.origin } : { expected: 'a URL such as http://127.0.0.1:8081, without user and password' };
};

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

const goForm = /^(?<user>[^:]*)(?::(?<password>.*))?@tcp\((?<address>[^()]+)\)\/(?<database>[^/?]+)(?:\?.*)?$/s;
const dsnAddress = /^(?:\[(?<ipv6>[0-9A-Fa-f:.]+)\]|(?<name>[^:[\]\s]+))(?::(?<port>\d{1,5}))?$/;
const mysqlPort = 3_306;

const expectedDsn =
  'sqlite:./folder, mysql://user:password@host:port/database with odd characters percent-encoded, ' +
  'or user:password@tcp(host:port)/database';

/**
 * Reads `db.dsn` in any of its forms. In the Go form the password is not decoded and ends at the last `@tcp(`; options
 * after the question mark are ignored. The error never repeats the input, which may contain a password.
 */
export const parseDsn: Parse<DatabaseLocation> = (given) => {
  if (typeof given !== 'string') return { expected: expectedDsn };
  const dsn = given.trim();
  if (dsn.startsWith('sqlite:')) return parseSqlite(dsn.slice('sqlite:'.length));
  return dsn.startsWith('mysql://') ? parseUrl(dsn) : parseGoForm(dsn);
};

function parseSqlite(folder: string): ReturnType<Parse<DatabaseLocation>> {
  if (folder === '' || folder.startsWith('//')) return { expected: 'a folder behind sqlite:, as in sqlite:./data' };
  return { value: { kind: 'sqlite', folder } };
}

function parseGoForm(dsn: string): ReturnType<Parse<DatabaseLocation>> {
  const { user = '', password = '', address = '', database = '' } = goForm.exec(dsn)?.groups ?? {};
  return mysql(address, user, password, database);
}

function parseUrl(dsn: string): ReturnType<Parse<DatabaseLocation>> {
  const url = URL.parse(dsn);
  if (url === null) return { expected: expectedDsn };
  try {
    const [user, password, database] = [url.username, url.password, url.pathname.slice(1)].map(decodeURIComponent);
    return mysql(url.host, user!, password!, database!);
  } catch {
    return { expected: expectedDsn };
  }
}

function mysql(address: string, user: string, password: string, database: string): ReturnType<Parse<DatabaseLocation>> {
  const { ipv6, name, port } = dsnAddress.exec(address)?.groups ?? {};
  const host = ipv6 ?? name;
  const portNumber = port === undefined ? mysqlPort : Number(port);
  const isDatabase = /^[^/\\.\p{Cc}]{1,64}$/u.test(database);
  if (host === undefined || user === '' || !isDatabase || portNumber < 1 || portNumber > 65_535)
    return { expected: expectedDsn };
  return { value: { kind: 'mysql', host, port: portNumber, user, password, database } };
}
