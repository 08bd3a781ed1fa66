import type { SqliteDatabase } from '../../../../sqlite/connection.ts';
import { popularityPointsAt } from '../index/book-place.ts';
import { searchWords, type BookRow } from '../index/book-row.ts';
import { buildSpelling, type SpellingData, mostNewWords, type Vocabulary } from './spelling-data.ts';

/** Keeps corrections current, a little work at a time. */
export type Speller = {
  /** Call it now and then while there is nothing else to do. Prepares corrections when enough words are new. */
  readonly refresh: () => void;
  readonly close: () => void;
};

/** The time of one step of work, kept short so that a change of a book does not wait long. */
const stepMs = 10;
const rowsPerStep = 500;
/** Corrections are prepared again when this share or number of words is new. */
const worthwhile = { share: 0.01, words: mostNewWords / 2 } as const;

/**
 * @param vocabulary gets the words of the books in the file. The writer adds the words of later books.
 * @param use is called with the corrections whenever they are prepared.
 */
export function createSpeller(
  database: SqliteDatabase,
  vocabulary: Vocabulary,
  use: (data: SpellingData) => void,
): Speller {
  let prepared = 0;
  let isFilled = database.prepare('SELECT 1 FROM book LIMIT 1').get() === undefined;
  let isClosed = false;
  let work: Iterator<void, void> | null = null;

  const step = (): void => {
    if (isClosed || work === null) return;
    const until = performance.now() + stepMs;
    while (performance.now() < until) {
      if (work.next().done === true) {
        work = null;
        return;
      }
    }
    setImmediate(step);
  };

  function* prepare(): Generator<void, void> {
    if (!isFilled) yield* fillVocabulary(database, vocabulary);
    isFilled = true;
    prepared = vocabulary.size();
    use(yield* buildSpelling(vocabulary));
  }

  return {
    refresh: () => {
      const added = vocabulary.size() - prepared;
      if (work !== null || (isFilled && added <= Math.min(prepared * worthwhile.share, worthwhile.words))) return;
      work = prepare();
      step();
    },
    close: () => {
      isClosed = true;
    },
  };
}

/** Books written since the start are counted twice. The counts of words need not be exact. */
function* fillVocabulary(database: SqliteDatabase, vocabulary: Vocabulary): Generator<void, void> {
  const read = database.prepare(
    'SELECT place, title_words AS titleWords, author, series, subjects, other_titles AS otherTitles FROM book WHERE place > ? ORDER BY place LIMIT ?',
  );
  let last = 0;
  for (;;) {
    const rows = read.all(last, rowsPerStep);
    if (rows.length === 0) return;
    for (const row of rows) {
      last = Number(row['place']);
      vocabulary.add(searchWords(row as unknown as BookRow), popularityPointsAt(last));
    }
    yield;
  }
}
