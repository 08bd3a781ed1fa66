import { reason } from '../../../errors.ts';
import { pause, within } from '../../../runtime/waiting.ts';
import { createKnowledge, followBooks, followReaders } from '../model/knowledge.ts';
import type { BookTitle } from '../model/shop-books.ts';
import type { RecommendationStore } from '../store/recommendation-store.ts';
import { createRecommender, fewestReaders, type Recommended } from './recommend.ts';

/** The answers of the service, from the state and the model in memory that is derived from it. */
export type Answers = {
  /** The books a reader might like next, from everything they did before the call. */
  readonly recommendations: (reader: string) => Promise<readonly Recommended[]>;
  /** Books that at least three readers have together with this one, most shared readers first; ties by id. */
  readonly related: (bookId: number) => Promise<readonly ({ bookId: number; readers: number } & BookTitle)[]>;
  /** Books that can be recommended. */
  readonly size: () => number;
  readonly close: () => Promise<void>;
};

type Source = Pick<RecommendationStore, 'taste' | 'readersSince' | 'booksSince'>;

const relatedShown = 10;
/** How often the store is asked what readers did. */
const lookEveryMs = 100;
/** How long the background works before an answer gets its turn. */
const sliceMs = 1;
/** While no work has changed, the others get one slice of computing time, then this pause. */
const sweepEveryMs = 10;

/**
 * Answers from a store. A background task keeps the model current: what a reader did appears in the answers of others
 * after about a tenth of a second, and every weight is exact after minutes.
 * @param onProblem gets each problem of the background once. The work is tried again.
 */
export function createAnswers(
  store: Source,
  { clock, onProblem }: { readonly clock: () => number; readonly onProblem: (error: unknown) => void },
): Answers {
  const knowledge = createKnowledge();
  const { model, shopBooks } = knowledge;
  const { counts } = model;
  const recommend = createRecommender(knowledge, clock);
  const closing = new AbortController();
  const stopwatch = (): number => performance.now();

  const catchUpBooks = followBooks(store, knowledge.putBooks);
  const catchUpReaders = followReaders(store, knowledge.putReaders);

  const following = (async () => {
    let lookAtMs = 0;
    let problem = '';
    while (!closing.signal.aborted) {
      try {
        if (stopwatch() >= lookAtMs) {
          await catchUpBooks();
          await catchUpReaders();
          lookAtMs = stopwatch() + lookEveryMs;
          problem = '';
        }
      } catch (error) {
        if (problem !== reason(error)) onProblem(error);
        problem = reason(error);
        lookAtMs = stopwatch() + lookEveryMs;
      }
      if (model.solveChanged(stopwatch() + sliceMs, stopwatch)) await pause(0, closing.signal);
      else if (model.solveRound(stopwatch() + sliceMs, stopwatch)) await pause(sweepEveryMs, closing.signal);
      else await pause(lookEveryMs, closing.signal);
    }
  })();

  return {
    recommendations: async (reader) => {
      await within(lookEveryMs, catchUpBooks());
      return recommend(await store.taste(reader));
    },
    related: async (bookId) => {
      await within(lookEveryMs, Promise.all([catchUpBooks(), catchUpReaders()]));
      const work = counts.workOf(counts.numberOf(bookId));
      const found: { work: number; readers: number }[] = [];
      counts.pairs.eachOf(work, 1, (other, readers) => {
        if (readers >= fewestReaders) found.push({ work: other, readers });
      });
      return found
        .sort((one, other) => other.readers - one.readers || counts.orderOf(one.work) - counts.orderOf(other.work))
        .flatMap(({ work: one, readers }) => {
          const edition = shopBooks.editionsOf(one).find((number) => shopBooks.bookOf(number) !== null);
          if (edition === undefined) return [];
          const { title, author } = shopBooks.bookOf(edition)!;
          return [{ bookId: counts.bookIdOf(edition), title, author, readers }];
        })
        .slice(0, relatedShown);
    },
    size: shopBooks.size,
    close: async () => {
      closing.abort();
      await following;
    },
  };
}
