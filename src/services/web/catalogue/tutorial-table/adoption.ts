import type { MysqlDatabase } from '../../../../mysql/database.ts';
import { reason, SamsaError } from '../../../../errors.ts';
import { pause } from '../../../../runtime/waiting.ts';
import { adoptBooks, findForeignRows, greatestId, type IdRange } from './adopt-books.ts';
import type { BooksTable } from './books-table.ts';

/** Takes rows of `books` that other programs write into the catalogue, for as long as it runs. */
export type Adoption = {
  /**
   * Resolves when every row that was committed before the call is in the catalogue.
   * @throws SamsaError `store-unavailable` (retryable).
   */
  readonly finished: () => Promise<void>;
  /** Resolves after the last statement. Close the database first. */
  readonly stopped: () => Promise<void>;
};

export type AdoptionDeps = {
  readonly database: MysqlDatabase;
  readonly table: () => BooksTable;
  readonly clock: () => number;
  /** Called after every commit. */
  readonly onCommit: () => void;
  /** Awaited between commits, so that the outbox does not grow without bound. */
  readonly keepPace: () => Promise<void>;
  /** Called once for each reason that does not pass by itself. */
  readonly onNotAdopted: (problem: string) => void;
  readonly signal: AbortSignal;
};

/** The lock that everybody holds who changes a book. */
export const changingBooks = 'the catalogue';

const lookEveryMs = 1_000;
/** How many ids one statement looks at: some milliseconds of work. */
const idsAtATime = 20_000;
/** A transaction may become visible after others with so much greater ids. */
const lateIds = 2_000;

/**
 * Begins at once: first all rows, then every second the newest ones and a part of the others, so that a row with an old id
 * is noticed after at most a second per 20,000 ids. Failures are reported once and tried again.
 */
export function startAdoption({ signal, ...deps }: AdoptionDeps): Adoption {
  const { database, table, clock } = deps;
  let problem = '';
  let last: Promise<unknown> = Promise.resolve();

  const adopt = async (range: IdRange): Promise<void> => {
    while (!signal.aborted) {
      const ids = await database.connected((connection) => findForeignRows(connection, table(), range));
      if (ids.length === 0) return;
      const rows = await database.exclusive(changingBooks, (connection) =>
        adoptBooks(connection, table(), ids, clock()),
      );
      // Another process took them meanwhile, or their transaction is under way.
      if (rows === 0) return;
      deps.onCommit();
      await deps.keepPace();
    }
  };
  const oneAtATime = (work: () => Promise<void>): Promise<void> => {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  };
  const adoptAll = async (): Promise<void> => {
    const greatest = await database.connected(greatestId);
    for (let from = 0; from < greatest; from += idsAtATime) await adopt({ from, to: from + idsAtATime });
    newest = greatest;
  };
  let newest = 0;
  let sweptTo = 0;
  const adoptSome = async (): Promise<void> => {
    const greatest = await database.connected(greatestId);
    await adopt({ from: Math.max(0, newest - lateIds), to: greatest });
    newest = greatest;
    await adopt({ from: sweptTo, to: sweptTo + idsAtATime });
    sweptTo = sweptTo + idsAtATime < greatest ? sweptTo + idsAtATime : 0;
  };
  const notice = (error: unknown): void => {
    if (signal.aborted || (error instanceof SamsaError && error.retryable)) return;
    if (problem !== reason(error)) deps.onNotAdopted(`books of other programs are not taken in: ${reason(error)}`);
    problem = reason(error);
  };
  const running = (async () => {
    let work = adoptAll;
    while (!signal.aborted) {
      await oneAtATime(work).then(() => (work = adoptSome), notice);
      await pause(lookEveryMs, signal);
    }
  })();
  return { finished: () => oneAtATime(adoptAll), stopped: () => running };
}
