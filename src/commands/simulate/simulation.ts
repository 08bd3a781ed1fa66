import { SamsaError } from '../../errors.ts';
import { pause } from '../../runtime/waiting.ts';
import { lookThrough } from './made-up-reader.ts';
import { createQuerySource, type KnownBook } from './query-source.ts';
import { planSearches, type PlannedSearch, type SearchPlanOptions } from './search-plan.ts';
import { createRandom } from './random.ts';
import { openShopFront, type CookieJar, type ShopFront } from './shop-front.ts';

/** What has happened so far. */
export type SimulationTally = {
  /** Answered. */
  readonly searches: number;
  /** Accepted. */
  readonly actions: number;
  /** Attempts that failed, also those that were tried again. */
  readonly failures: number;
};

export type SimulationOptions = Omit<SearchPlanOptions, 'queries'> & {
  /** Where the shop is, without a path. */
  readonly url: string;
  /** `app.operator_token` */
  readonly operatorToken: string | null;
  /** The books that readers know, by falling popularity; from `listKnownBooks`. */
  readonly books: readonly KnownBook[];
  /** Ends it: no new visit begins, and running ones are finished. */
  readonly signal: AbortSignal;
  /** Milliseconds of any origin. */
  readonly stopwatch: () => number;
};

export type Simulation = {
  readonly tally: () => SimulationTally;
  /** Resolves when the signal has fired and all requests are finished. */
  readonly ended: Promise<void>;
};

const mostBooks = 2_000;
const mostAtOnce = 64;
/** When the shop cannot keep up, searches that are late by up to this much are still made. Later ones are left out. */
const catchUpMs = 1_000;

type ShopToVisit = Pick<SimulationOptions, 'url' | 'operatorToken' | 'seed' | 'signal'>;

/**
 * The books made-up readers know: the shop's 2,000 most popular ones.
 * @throws SamsaError `shop-unreachable` when there is no shop with books within a few seconds.
 */
export function listKnownBooks({ seed, ...shop }: ShopToVisit): Promise<readonly KnownBook[]> {
  const front = openShopFront({ ...shop, random: createRandom(seed), onFailure: () => {}, attempts: 6 });
  return front.listBooks(mostBooks);
}

/** Sends made-up readers to a running shop, as planned by `planSearches`. */
export function simulate(options: SimulationOptions): Simulation {
  const { url, operatorToken, books, signal, stopwatch, ...plan } = options;
  const tally = { searches: 0, actions: 0, failures: 0 };
  const random = createRandom(plan.seed);
  const front = openShopFront({ url, operatorToken, random, signal, onFailure: () => void tally.failures++ });
  const visit = createVisits(front, tally);

  const run = async (): Promise<void> => {
    const running = new Set<Promise<void>>();
    let startedMs = stopwatch();
    for (const search of planSearches({ ...plan, queries: createQuerySource(books) })) {
      const earlyMs = startedMs + search.atMs - stopwatch();
      if (earlyMs > 0) await pause(earlyMs, signal);
      else if (earlyMs < -catchUpMs) startedMs -= earlyMs + catchUpMs;
      if (running.size >= mostAtOnce) await Promise.race(running);
      if (signal.aborted) break;
      const visiting: Promise<void> = visit(search).finally(() => running.delete(visiting));
      running.add(visiting);
    }
    await Promise.all(running);
  };
  return { tally: () => ({ ...tally }), ended: run() };
}

type Counting = { searches: number; actions: number };

/**
 * Makes a search, and then what the reader does. Readers keep their cookies. Does not reject when the shop is
 * unavailable.
 */
function createVisits(shop: ShopFront, tally: Counting): (search: PlannedSearch) => Promise<void> {
  const jars = new Map<number, Promise<CookieJar>>();

  const jarOf = (reader: number): Promise<CookieJar> => {
    const known = jars.get(reader);
    if (known !== undefined) return known;
    const jar: CookieJar = { uid: null };
    const entering = shop.enter(jar).then(() => jar);
    jars.set(reader, entering);
    entering.catch(() => jars.delete(reader));
    return entering;
  };

  return async ({ reader, query, seed }) => {
    try {
      const jar = await jarOf(reader.number);
      const results = await shop.search(query, jar);
      tally.searches++;
      for (const action of lookThrough(results, createRandom(seed), reader.taste)) {
        await shop.act(query, action, jar);
        tally.actions++;
      }
    } catch (error) {
      if (!(error instanceof SamsaError)) throw error;
    }
  };
}
