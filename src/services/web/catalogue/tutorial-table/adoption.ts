import type { MysqlDatabase } from '../../../../mysql/database.ts';
import { reason, SamsaError } from '../../../../errors.ts';
import { pause } from '../../../../runtime/waiting.ts';
import { adoptBooks, hasForeignRows } from './adopt-books.ts';
import type { BooksTable } from './books-table.ts';

/** Looks after rows of `books` that programs other than ours write, for as long as it runs. */
export type Adoption = {
  /**
   * Resolves when there was no row left to be taken into the catalogue; one that is being written does not count.
   * @throws SamsaError `store-unavailable` (retryable).
   */
  readonly finished: () => Promise<void>;
  /** Resolves when nothing is under way any more; the database should be closed by then. */
  readonly stopped: () => Promise<void>;
};

export type AdoptionDeps = {
  readonly database: MysqlDatabase;
  readonly table: () => BooksTable;
  readonly clock: () => number;
  /** Called after every commit. */
  readonly onCommit: () => void;
  /** Waited for between commits, so that the log is not run away from. */
  readonly keepPace: () => Promise<void>;
  /** Told once of each reason that will not pass by itself. */
  readonly onNotAdopted: (problem: string) => void;
  readonly signal: AbortSignal;
};

/** The name under which all that change books take turns. */
export const changingBooks = 'the catalogue';

const lookEveryMs = 1_000;

/** Begins at once and looks again every second; failures are told once and tried again. */
export function startAdoption({ signal, ...deps }: AdoptionDeps): Adoption {
  const { database, table, clock } = deps;
  let problem = '';
  let last: Promise<unknown> = Promise.resolve();

  const adoptAll = async (): Promise<void> => {
    while (!signal.aborted && (await database.connected((connection) => hasForeignRows(connection, table())))) {
      const rows = await database.exclusive(changingBooks, (connection) => adoptBooks(connection, table(), clock()));
      // Others adopted them meanwhile, or still write them.
      if (rows === 0) return;
      deps.onCommit();
      await deps.keepPace();
    }
  };
  const finished = (): Promise<void> => {
    const result = last.then(adoptAll);
    last = result.catch(() => {});
    return result;
  };
  const notice = (error: unknown): void => {
    if (signal.aborted || (error instanceof SamsaError && error.retryable)) return;
    if (problem !== reason(error)) deps.onNotAdopted(`books of other programs are not taken in: ${reason(error)}`);
    problem = reason(error);
  };
  const running = (async () => {
    while (!signal.aborted) {
      await finished().catch(notice);
      await pause(lookEveryMs, signal);
    }
  })();
  return { finished, stopped: () => running };
}
