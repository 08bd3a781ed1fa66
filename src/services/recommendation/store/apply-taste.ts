import { change, columnText, rows, type Steps } from '../../../sql/statements.ts';
import type { TasteChange } from '../recommendation-projection.ts';
import { forgetOldTaste, isForgettingDue } from './forget-taste.ts';
import { keepBooks, keepTaste, numberReaders } from './keep-taste.ts';

/** How instances that share a database take turns. */
export type TasteTurns = {
  /** Before anything is kept: nobody else keeps anything while a reader is forgotten. */
  readonly keeping: (isForgetting: boolean) => Steps<void>;
  /** @returns false when another instance removes old rows right now. */
  readonly forgettingOld: () => Steps<boolean>;
};

/** How exactly the time of the last commit is known; so commits of several instances do not wait for each other. */
const committedStepMs = 3_600_000;

/**
 * What a commit does to the state.
 * @param turns null where every commit has the database to itself.
 */
export function* applyTaste(
  changes: readonly TasteChange[],
  { watermarkMs, nowMs }: { readonly watermarkMs: number; readonly nowMs: number },
  turns: TasteTurns | null,
): Steps<void> {
  const touched: Uint8Array[] = [];
  if (changes.some(({ kind }) => kind !== 'book')) {
    if (turns !== null) yield* turns.keeping(changes.some(({ kind }) => kind === 'forgotten'));
    touched.push(...(yield* keepTaste(changes)));
  }
  const values = new Map(
    (yield* rows("SELECT name, value FROM state.turn WHERE name IN ('old', 'committed')")).map((row) => [
      columnText(row['name']),
      Number(row['value']),
    ]),
  );
  if (isForgettingDue(watermarkMs, values.get('old')!) && (turns === null || (yield* turns.forgettingOld()))) {
    touched.push(...(yield* forgetOldTaste(watermarkMs)));
  }
  if (nowMs - values.get('committed')! >= committedStepMs) {
    yield* change("UPDATE state.turn SET value = ? WHERE name = 'committed'", [nowMs]);
  }
  yield* numberReaders(touched);
  const books = changes.filter((one) => one.kind === 'book');
  yield* keepBooks(books.map((one) => one.change));
}
