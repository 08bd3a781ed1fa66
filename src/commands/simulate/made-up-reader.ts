import { tagsOf, type KnownBook, type MadeUpTaste, type QuerySource } from './query-source.ts';
import { drawGap, drawIndex, type Random } from './random.ts';

/** A simulated reader. */
export type MadeUpReader = {
  readonly number: number;
  /** What most of their queries are about, and what they open first. */
  readonly taste: MadeUpTaste | null;
};

/** What a reader does with a book of a result page, as `POST /api/books/:id/actions` takes it. */
export type MadeUpAction = {
  readonly bookId: number;
  readonly action: 'opened' | 'chosen' | 'wanted' | 'dismissed';
  /** From 1. */
  readonly position: number;
};

/** Who searches next. */
export type ReadersInShop = { readonly drawReader: (random: Random) => MadeUpReader };

/**
 * How many searches a visit has. The shop counts only a reader's first 60 queries of an hour, and real readers leave
 * and come back, too.
 */
const searchesPerVisit = 12;
const readersPerVisitor = 20;

/**
 * Readers in a shop with room for a fixed number. A reader who has searched enough leaves, and another one comes: at
 * first mostly a new reader, later more and more often one who was there before. In all there are twenty times as many
 * readers as fit.
 */
export function createReadersInShop(atOnce: number, queries: QuerySource): ReadersInShop {
  const everybody: MadeUpReader[] = [];
  const visits: { reader: MadeUpReader; searchesLeft: number }[] = [];

  const nextVisitor = (random: Random): MadeUpReader => {
    const known = everybody[drawIndex(random, atOnce * readersPerVisitor)];
    if (known !== undefined) return known;
    const reader = { number: everybody.length, taste: queries.drawTaste(random) };
    everybody.push(reader);
    return reader;
  };

  return {
    drawReader: (random) => {
      const at = drawIndex(random, atOnce);
      let visit = visits[at];
      if (visit === undefined || visit.searchesLeft === 0) {
        visit = { reader: nextVisitor(random), searchesLeft: Math.ceil(drawGap(random, searchesPerVisit)) };
        visits[at] = visit;
      }
      visit.searchesLeft--;
      return visit.reader;
    },
  };
}

const firstLook = 0.32;
/** By which factor a result is less likely to be opened than the one above it. */
const fallPerPosition = 0.75;
const mostOpened = 2;

/** Factors on the chance to be opened: for a result that fits the reader's taste, and for any other. */
const pull = { fitting: 1.8, other: 0.5 };

/**
 * What a reader does with a page of results: opens at most two books, more often those that fit the taste, and marks
 * some as wanted or dismissed. The random numbers decide which.
 */
export function lookThrough(
  results: readonly KnownBook[],
  random: Random,
  taste: MadeUpTaste | null = null,
): readonly MadeUpAction[] {
  const actions: MadeUpAction[] = [];
  let opened = 0;
  const pullOf = (book: KnownBook): number => {
    if (taste === null) return 1;
    return tagsOf(book).some((tag) => taste.includes(tag)) ? pull.fitting : pull.other;
  };
  for (const [index, book] of results.entries()) {
    if (opened === mostOpened) break;
    const { id: bookId } = book;
    const position = index + 1;
    if (random() < firstLook * fallPerPosition ** index * pullOf(book)) {
      opened++;
      actions.push({ bookId, position, action: random() < 0.6 ? 'chosen' : 'opened' });
      if (random() < 0.2) actions.push({ bookId, position, action: 'wanted' });
    } else if (random() < 0.005) {
      actions.push({ bookId, position, action: 'dismissed' });
    }
  }
  return actions;
}
