import type { MysqlAddress } from './mysql-connection.ts';

/** Where a catalogue or the state of a service is kept: plain data, also for worker threads. */
export type StoreLocation =
  | { readonly kind: 'sqlite'; /** The file. */ readonly path: string }
  | ({ readonly kind: 'mysql' } & MysqlAddress);
