import { reason, SamsaError } from '../errors.ts';

/** The server rolled the transaction back because it met another one. Running it again may succeed at once. */
const collisions: ReadonlyMap<number, string> = new Map([
  [1020, 'another transaction changed a row first'],
  [1205, 'another transaction holds a row for too long'],
  [1213, 'two transactions waited for each other'],
  [8002, 'another transaction changed a row first'],
  [9007, 'another transaction changed a row first'],
]);

/** The connection is gone, and with it everything that was not committed. */
const lostConnections: ReadonlyMap<number, string> = new Map([
  [1053, 'the server is shutting down'],
  [1317, 'the statement was interrupted'],
  [1927, 'the connection was killed'],
  [2006, 'the server has gone away'],
  [2013, 'the connection was lost'],
  [4031, 'the server ended the idle connection'],
]);

const temporary: ReadonlyMap<number, string> = new Map([
  [1021, 'the disk of the server is full'],
  [1030, 'the storage of the server reports an error'],
  [1040, 'the server has too many connections'],
  [1114, 'the disk of the server is full'],
  [1180, 'the server could not commit'],
  [1203, 'the user has too many connections'],
  [1226, 'the user has used up a limit of the server'],
  [1290, 'the server is read-only'],
  [1792, 'the server is read-only'],
  [1836, 'the server is read-only'],
  [1969, 'the statement took too long'],
  [3024, 'the statement took too long'],
]);

const misconfigured: ReadonlySet<number> = new Set([1044, 1045, 1049, 1130, 1142, 1143, 1227, 1251, 1698, 3159]);

/** TiDB has one number for many errors, among them collisions of locks and commits. */
const unnamed = 1_105;
const tidbCollision = /pessimistic lock retry limit reached|write conflict/i;

type ReportedError = { readonly errno?: unknown; readonly code?: unknown; readonly fatal?: unknown };

/** Whether the transaction was rolled back and may be run again unchanged. */
export function isCollision(error: unknown): boolean {
  return collisions.has(numberOf(error)) || (numberOf(error) === unnamed && tidbCollision.test(reason(error)));
}

/** Whether a statement named a table that does not exist. */
export function isUnknownTable(error: unknown): boolean {
  return numberOf(error) === 1146;
}

/** Whether the connection can no longer be used. The outcome of a commit under way is unknown. */
export function isLostConnection(error: unknown): boolean {
  const { code, fatal } = error as ReportedError;
  return fatal === true || code === 'PROTOCOL_SEQUENCE_TIMEOUT' || lostConnections.has(numberOf(error));
}

/**
 * Translates an error of the driver or the server. Errors that end without a change of settings become
 * `store-unavailable`. Errors that need another `db.dsn` become `bad-configuration`. All others stay as they are.
 * @param name the database without its password.
 */
export function mysqlError(name: string, error: unknown): unknown {
  if (error instanceof SamsaError || !(error instanceof Error)) return error;
  const number = numberOf(error);
  if (misconfigured.has(number)) {
    return new SamsaError(
      'bad-configuration',
      `db.dsn: expected a database at ${name} that may be used, got: ${reason(error)}. ` +
        'Check user, password, the name of the database and its grants.',
      { cause: error },
    );
  }
  if (isRefusedEncryption(error)) {
    return new SamsaError(
      'bad-configuration',
      `db.tls: expected ${name} to prove that it is the host db.dsn names, got: ${reason(error)}. ` +
        'Check db.tls.ca and the certificate of the server.',
      { cause: error },
    );
  }
  const problem = collisions.get(number) ?? lostConnections.get(number) ?? temporary.get(number);
  if (problem === undefined && !isLostConnection(error)) return error;
  const what = problem ?? `expected the database to answer, got: ${reason(error)}. Trying again may help`;
  return new SamsaError('store-unavailable', `${name}: ${what}`, { cause: error, retryable: true });
}

/** @throws what `work` throws, translated. @see mysqlError */
export async function translateErrors<Result>(name: string, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    throw mysqlError(name, error);
  }
}

/** The driver has one code for everything that ends an encrypted handshake, a connection that was cut included. */
function isRefusedEncryption(error: Error): boolean {
  const { code } = error as ReportedError;
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT') return true;
  return code === 'HANDSHAKE_SSL_ERROR' && /certificate|altname/i.test(reason(error));
}

function numberOf(error: unknown): number {
  const { errno } = error as ReportedError;
  return typeof errno === 'number' ? errno : 0;
}

type Database = { readonly host: string; readonly port: number; readonly database: string };

/** Host, port and database, for messages. */
export function databaseName({ host, port, database }: Database): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}/${database}`;
}
