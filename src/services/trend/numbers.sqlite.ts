import type { SqliteDatabase } from '../../database/sqlite-database.ts';

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

/** Short numbers for reader ids, remembered with the last hour they searched in: rows are forgotten by it. */
export function createReaderNumbers(database: SqliteDatabase) {
  const known = new Map<string, { readonly id: number; readonly lastHour: number }>();
  const raise = database.prepare(
    `INSERT INTO reader (name, last_hour) VALUES (?, ?)
     ON CONFLICT (name) DO UPDATE SET last_hour = max(last_hour, excluded.last_hour) RETURNING id, last_hour`,
  );
  return {
    numberOf: (name: string, hour: number): number => {
      let reader = known.get(name);
      if (reader === undefined || reader.lastHour < hour) {
        const row = raise.get(name, hour);
        reader = { id: Number(row?.['id']), lastHour: Number(row?.['last_hour']) };
        if (known.size >= rememberedNumbers) known.clear();
        known.set(name, reader);
      }
      return reader.id;
    },
    forget: () => known.clear(),
  };
}
