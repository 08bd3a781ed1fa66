import { hash } from 'node:crypto';
import type { SqliteDatabase } from '../../../../sqlite/connection.ts';

const rememberedNumbers = 50_000;

/** Short numbers for query keys, remembered. */
export function createQueryNumbers(database: SqliteDatabase) {
  const known = new Map<string, number>();
  const add = database.prepare('INSERT INTO query (key) VALUES (?) ON CONFLICT DO NOTHING');
  const find = database.prepare('SELECT id FROM query WHERE key = ?');
  return {
    numberOf: (key: string): number => {
      let id = known.get(key);
      if (id === undefined) {
        add.run(key);
        id = Number(find.get(key)?.['id']);
        if (known.size >= rememberedNumbers) known.clear();
        known.set(key, id);
      }
      return id;
    },
    forget: () => known.clear(),
  };
}

/**
 * What is kept of a reader: enough to know one again, and not who it is. 48 bits of the SHA-256 of its id, since they
 * need only differ within one query and hour: of ten thousand readers there, two are taken for one once in millions.
 */
export function createReaderNumbers() {
  const known = new Map<string, number>();
  return {
    numberOf: (id: string): number => {
      let number = known.get(id);
      if (number === undefined) {
        number = hash('sha256', id, 'buffer').readIntBE(0, 6);
        if (known.size >= rememberedNumbers) known.clear();
        known.set(id, number);
      }
      return number;
    },
  };
}
