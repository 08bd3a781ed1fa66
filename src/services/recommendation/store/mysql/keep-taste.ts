import { hash } from 'node:crypto';
import type { MysqlConnection, MysqlValue } from '../../../../mysql/connection.ts';
import type { BookChanged } from '../../../../events/book-changed.ts';
import type { TasteChange } from '../../recommendation-projection.ts';

type Of<Kind extends TasteChange['kind']> = Extract<TasteChange, { readonly kind: Kind }>;
type Told = Of<'searched'> | Of<'liked'> | Of<'judged'>;

/** What is kept of a reader: enough to know one again, and not who it is. */
export function readerHash(reader: string): Buffer {
  return hash('sha256', reader, 'buffer').subarray(0, 16);
}

/**
 * Keeps what readers did, inside a commit. The database decides which of two words is the last one, so it does not matter
 * who else writes meanwhile; rows are written in the order of their keys, so that two instances never wait for each other.
 */
export async function keepTaste(connection: MysqlConnection, changes: readonly TasteChange[]): Promise<void> {
  const forgetting = changes.filter((change) => change.kind === 'forgotten');
  const told = changes.filter((change): change is Told => change.kind !== 'book' && change.kind !== 'forgotten');
  if (forgetting.length === 0 && told.length === 0) return;
  await takeTurn(connection, forgetting.length > 0 ? 'FOR UPDATE' : 'LOCK IN SHARE MODE');
  await forgetReaders(connection, forgetting);
  const kept = await withoutForgotten(connection, told);
  await keepLikings(
    connection,
    kept.filter((change) => change.kind === 'liked'),
  );
  await keepVerdicts(
    connection,
    kept.filter((change) => change.kind === 'judged'),
  );
  await keepSearches(
    connection,
    kept.filter((change) => change.kind === 'searched'),
  );
}

/** Nobody keeps anything while a reader is forgotten: else neither would see what the other is about to commit. */
async function takeTurn(connection: MysqlConnection, lock: 'FOR UPDATE' | 'LOCK IN SHARE MODE'): Promise<void> {
  await connection.rows(`SELECT value FROM state.turn WHERE name = 'forgotten' ${lock}`);
}

async function forgetReaders(connection: MysqlConnection, forgetting: readonly Of<'forgotten'>[]): Promise<void> {
  await connection.insert(
    'INSERT INTO state.forgotten VALUES ? ON DUPLICATE KEY UPDATE until_ms = GREATEST(until_ms, VALUES(until_ms))',
    forgetting.map(({ reader, time }) => [readerHash(reader), time]),
  );
  for (const { reader, time } of forgetting) {
    for (const table of ['liking', 'verdict', 'search']) {
      await connection.change(`DELETE FROM state.${table} WHERE reader = ? AND time_ms <= ?`, [
        readerHash(reader),
        time,
      ]);
    }
  }
}

type Hashed<Change> = Change & { readonly hash: Buffer };

async function withoutForgotten(connection: MysqlConnection, told: readonly Told[]): Promise<readonly Hashed<Told>[]> {
  if (told.length === 0) return [];
  const hashes = new Map(Array.from(new Set(told.map(({ reader }) => reader)), (name) => [name, readerHash(name)]));
  const rows = await connection.rows('SELECT reader, until_ms FROM state.forgotten WHERE reader IN (?)', [
    [...hashes.values()],
  ]);
  const untilOf = new Map(rows.map((row) => [(row['reader'] as Buffer).toString('hex'), Number(row['until_ms'])]));
  return told
    .map((change) => ({ ...change, hash: hashes.get(change.reader)! }))
    .filter(({ hash: reader, time }) => time > (untilOf.get(reader.toString('hex')) ?? Number.NEGATIVE_INFINITY));
}

async function keepLikings(connection: MysqlConnection, likings: readonly Hashed<Of<'liked'>>[]): Promise<void> {
  const rows = likings.toSorted(
    (one, other) => Buffer.compare(one.hash, other.hash) || one.bookId - other.bookId || one.strength - other.strength,
  );
  await connection.insert(
    'INSERT INTO state.liking VALUES ? ON DUPLICATE KEY UPDATE time_ms = GREATEST(time_ms, VALUES(time_ms))',
    rows.map(({ hash: reader, bookId, strength, time }) => [reader, bookId, strength, time]),
  );
}

async function keepVerdicts(connection: MysqlConnection, verdicts: readonly Hashed<Of<'judged'>>[]): Promise<void> {
  const rows = verdicts.toSorted(
    (one, other) =>
      Buffer.compare(one.hash, other.hash) ||
      one.bookId - other.bookId ||
      Number(one.verdict > other.verdict) - Number(one.verdict < other.verdict),
  );
  await keepLastWords(
    connection,
    { table: 'verdict', word: 'holds' },
    rows.map(({ hash: reader, bookId, verdict, holds, time, tieBreak }) => [
      reader,
      bookId,
      verdict,
      holds ? 1 : 0,
      time,
      tieBreak,
    ]),
  );
}

async function keepSearches(connection: MysqlConnection, searches: readonly Hashed<Of<'searched'>>[]): Promise<void> {
  const rows = searches
    .map((search) => ({ ...search, queryHash: hash('sha256', search.query, 'buffer') }))
    .sort((one, other) => Buffer.compare(one.hash, other.hash) || Buffer.compare(one.queryHash, other.queryHash));
  await keepLastWords(
    connection,
    { table: 'search', word: 'books' },
    rows.map(({ hash: reader, queryHash, query, bookIds, time, tieBreak }) => [
      reader,
      queryHash,
      query,
      JSON.stringify(bookIds),
      time,
      tieBreak,
    ]),
  );
}

const isLater = '(VALUES(time_ms), VALUES(tie_break)) > (time_ms, tie_break)';

/** Of what is said and what is kept, the later word stays. `word` is the column that holds it. */
async function keepLastWords(
  connection: MysqlConnection,
  { table, word }: { readonly table: string; readonly word: string },
  rows: readonly (readonly MysqlValue[])[],
): Promise<void> {
  // Assignments are made from left to right, so what the others are compared by comes last.
  await connection.insert(
    `INSERT INTO state.${table} VALUES ? ON DUPLICATE KEY UPDATE
       ${word} = IF(${isLater}, VALUES(${word}), ${word}),
       tie_break = IF(${isLater}, VALUES(tie_break), tie_break),
       time_ms = GREATEST(time_ms, VALUES(time_ms))`,
    rows,
  );
}

/**
 * Keeps the highest version of each book. To be called last in a commit: others that change books wait for its end from
 * here on, so that whoever has read up to a change number has missed none below it.
 */
export async function keepBooks(connection: MysqlConnection, changes: readonly BookChanged[]): Promise<void> {
  if (changes.length === 0) return;
  await connection.change("UPDATE state.turn SET value = value + ? WHERE name = 'book'", [changes.length]);
  const [row] = await connection.rows("SELECT value FROM state.turn WHERE name = 'book'");
  const first = Number(row?.['value']) - changes.length + 1;
  await connection.insert(
    `INSERT INTO state.book VALUES ? ON DUPLICATE KEY UPDATE
       change_number = IF(VALUES(version) > version, VALUES(change_number), change_number),
       content = IF(VALUES(version) > version, VALUES(content), content),
       version = GREATEST(version, VALUES(version))`,
    changes.map(({ bookId, version, book }, index) => [
      bookId,
      version,
      first + index,
      book === null ? null : JSON.stringify(book),
    ]),
  );
}
