import type { Book } from '../../src/events/book.ts';
import { createQuerySource, tagsOf } from '../../src/commands/simulate/query-source.ts';
import { createRandom, drawOne, createZipf } from '../../src/commands/simulate/random.ts';
import { openBookList } from '../../src/services/web/catalogue/import/lists/open-book-list.ts';
import { fewestReaders, type Reason, type Recommended } from '../../src/services/recommendation/answers/recommend.ts';
import { listsOfScriptedReaders } from './scripted.ts';
import { openLearner, type Learner, type Liking } from './learner.ts';

const seed = 7;
const booksEach = { least: 6, most: 14 };
const ofTaste = 0.7;
const asked = 1_000;
const shown = 10;
const perCommit = 1_000;
const startMs = Date.parse('2026-01-01T00:00:00Z');

/**
 * Lets made-up readers with tastes choose books of a list, learns all but the last one of each, and looks whether that
 * one is among the first ten of `rank()` and among the ten that are shown. Then it shows the lists of ten scripted readers.
 */
export async function evaluateSimulated(path: string, readers: number) {
  const books = await readBooks(path);
  const likings = chooseBooks(books, readers);
  const learner = await openLearner(books);
  try {
    const learnt = likings.flatMap((of) => of.slice(0, -1)).sort((one, other) => one.timeMs - other.timeMs);
    for (let from = 0; from < learnt.length; from += perCommit)
      await learner.learn(learnt.slice(from, from + perCommit));
    await learner.follow();
    learner.solveAll();
    const check = createReasonCheck(learnt, learner);
    let [ranked, arranged, full, reasons, wrong] = [0, 0, 0, 0, 0];
    const tested = likings.slice(0, asked);
    for (const of of tested) {
      const { user, item } = of.at(-1)!;
      const work = learner.workOf(item);
      const shownToUser = learner.recommend(await learner.taste(user));
      const list = shownToUser.map(({ bookId }) => learner.workOf(bookId - 1));
      for (const one of shownToUser) {
        reasons += one.reasons.length;
        wrong += one.reasons.filter((reason) => !check(user, one, reason)).length;
      }
      if ((await learner.rank(user)).slice(0, shown).includes(work)) ranked++;
      if (list.includes(work)) arranged++;
      if (list.length === shown) full++;
    }
    const workOf = (bookId: number): number => learner.workOf(bookId - 1);
    const rate = (count: number): number => Number((count / tested.length).toFixed(4));
    return {
      books: books.length,
      readers,
      events: learnt.length,
      rank_hit_rate_at_10: rate(ranked),
      arrange_hit_rate_at_10: rate(arranged),
      full_lists: rate(full),
      reasons_checked: reasons,
      reasons_wrong: wrong,
      scripted: listsOfScriptedReaders(books, learner.recommend, workOf),
    };
  } finally {
    await learner.close();
  }
}

/**
 * Checks reasons against the events: a book is one that the user chose, and at least three users chose both works or
 * the two say similar things about themselves; a number of readers is that of the users who chose the work.
 */
function createReasonCheck(events: readonly Liking[], { workOf, isNear }: Pick<Learner, 'workOf' | 'isNear'>) {
  const usersOf = new Map<number, Set<string>>();
  for (const { user, item } of events) {
    const work = workOf(item);
    usersOf.set(work, (usersOf.get(work) ?? new Set()).add(user));
  }
  const none: ReadonlySet<string> = new Set();
  return (user: string, { bookId }: Recommended, { kind, text, book_id }: Reason): boolean => {
    const readers = usersOf.get(workOf(bookId - 1)) ?? none;
    if (kind === 'popular') return text === 'many readers have it' || text === `${readers.size} readers have it`;
    if (kind !== 'chosen' || book_id === undefined) return false;
    const source = usersOf.get(workOf(book_id - 1)) ?? none;
    const both = [...source].filter((one) => readers.has(one)).length;
    return source.has(user) && (both >= fewestReaders || isNear(book_id - 1, bookId - 1));
  };
}

async function readBooks(path: string): Promise<readonly Book[]> {
  const books: Book[] = [];
  for await (const rows of (await openBookList(path)).rows) {
    for (const row of rows) {
      if (row.problem !== undefined) continue;
      const { subjects = [], other_titles: otherTitles = [], ...fields } = row.book.fields;
      const lists = { subjects: [...subjects], other_titles: [...otherTitles] };
      books.push({ author: '', ...fields, ...lists, id: books.length + 1 });
    }
  }
  return books;
}

/** Each reader's books, the first chosen first. */
function chooseBooks(books: readonly Book[], readers: number): readonly (readonly Liking[])[] {
  const random = createRandom(seed);
  const queries = createQuerySource(books);
  const byTag = new Map<string, Book[]>();
  for (const book of books) for (const tag of tagsOf(book)) byTag.set(tag, [...(byTag.get(tag) ?? []), book]);
  const drawAny = createZipf(books.length);
  return Array.from({ length: readers }, (_, reader) => {
    const taste = queries.drawTaste(random);
    const count = booksEach.least + Math.floor(random() * (booksEach.most - booksEach.least));
    const chosen = new Set<number>();
    for (let tries = 0; chosen.size < count && tries < 10 * count; tries++) {
      const fitting = taste === null ? undefined : byTag.get(drawOne(random, taste));
      const isOfTaste = fitting !== undefined && random() < ofTaste;
      chosen.add(isOfTaste ? drawOne(random, fitting).id - 1 : drawAny(random));
    }
    const user = `reader-${reader}`;
    return Array.from(chosen, (item, at) => ({ user, item, timeMs: startMs + at * 60_000 + reader }));
  });
}
