import type {
  DeadLetterBook,
  DeadLetterQuery,
  KeptDeadLetter,
  ProgressStore,
  Settlement,
} from '../progress/dead-letter-book.ts';
import { SamsaError } from '../errors.ts';
import type { EventLog } from '../log/log.ts';
import { describeIfThere } from '../log/topic-rules.ts';
import { whyDead } from './fold-records.ts';
import type { Projection } from './projection.ts';

export type DeadLetterFilter = Omit<DeadLetterQuery, 'projection' | 'status' | 'after' | 'limit'>;

/**
 * What became of a letter. `applied` and `late`: it is redriven, and the ledger counts it as that instead of as dead.
 * `discarded`: it stays dead, also after a rebuild. `waiting`: it failed again, `why` says how. `decided-before`:
 * another person decided first, and nothing was changed.
 */
export type DeadLetterOutcome = {
  readonly letter: KeptDeadLetter;
  readonly became: 'applied' | 'late' | 'discarded' | 'waiting' | 'decided-before';
  readonly why: string | null;
};

/** The waiting dead letters of one projection, for people to decide about while it runs, here or in other processes. */
export type DeadLetters = {
  readonly projection: string;
  /**
   * Folds each record again as it came, into this projection only. The resulting state is the same as if the record had
   * been folded when it was read. A record that fails again is not tried twice.
   * @throws SamsaError `store-unavailable` (retryable), `state-too-new`, `state-outdated`: those yielded so far are
   *   done.
   */
  readonly redrive: (filter: DeadLetterFilter, options: RedriveOptions) => AsyncIterable<DeadLetterOutcome>;
  /** Decides that each stays dead. @throws as `redrive` does. */
  readonly discard: (
    filter: DeadLetterFilter,
    options: { readonly dryRun: boolean },
  ) => AsyncIterable<DeadLetterOutcome>;
};

export type RedriveOptions = {
  /** Only folds. It changes nothing, so it does not know whether the state would accept the change. */
  readonly dryRun: boolean;
  /** Awaited before each record. */
  readonly pace: () => Promise<void>;
};

/** Few, because a record may have a megabyte. */
const lettersPerPage = 20;

export function createDeadLetters<Change>(book: DeadLetterBook<Change>, projection: Projection<Change>): DeadLetters {
  const waiting = (filter: DeadLetterFilter): AsyncIterable<KeptDeadLetter> =>
    eachDeadLetter(book.deadLetters, { ...filter, projection: projection.name, status: 'waiting' });

  const settle = async (
    letter: KeptDeadLetter,
    become: Settlement<Change>['become'],
    became: 'applied' | 'late' | 'discarded' | 'waiting',
    why: string | null = null,
  ): Promise<DeadLetterOutcome> => {
    const settled = await book.settle({ ...letter, version: projection.version, become });
    return settled ? { letter, became, why } : { letter, became: 'decided-before', why: null };
  };

  const redriveOne = async (letter: KeptDeadLetter, dryRun: boolean): Promise<DeadLetterOutcome> => {
    const folded = foldAgain(projection, letter);
    if ('untouched' in folded) return { letter, became: 'waiting', why: folded.untouched };
    if (folded.status === 'waiting') {
      if (dryRun) return { letter, became: 'waiting', why: folded.reason };
      return settle(letter, folded, 'waiting', folded.reason);
    }
    const became = folded.change === 'late' ? 'late' : 'applied';
    if (dryRun) return { letter, became, why: null };
    try {
      return await settle(letter, folded, became);
    } catch (error) {
      if (!(error instanceof SamsaError) || error.code !== 'too-late-to-redrive') throw error;
      return settle(letter, { status: 'waiting', ...whyDead(error) }, 'waiting', error.message);
    }
  };

  return {
    projection: projection.name,
    redrive: async function* redrive(filter, { dryRun, pace }) {
      for await (const letter of waiting(filter)) {
        await pace();
        yield await redriveOne(letter, dryRun);
      }
    },
    discard: async function* discard(filter, { dryRun }) {
      for await (const letter of waiting(filter)) {
        if (dryRun) yield { letter, became: 'discarded', why: null };
        else yield await settle(letter, { status: 'discarded' }, 'discarded');
      }
    },
  };
}

type Refolded<Change> = Exclude<Settlement<Change>['become'], { status: 'discarded' }> | { readonly untouched: string };

function foldAgain<Change>({ name, reads }: Projection<Change>, letter: KeptDeadLetter): Refolded<Change> {
  const input = reads.find(({ topic }) => topic === letter.topic);
  if (input === undefined) return { untouched: `${name} does not read the topic ${letter.topic}` };
  const { topic, partition, offset, timestamp, key, value, headers } = letter;
  try {
    return { status: 'redriven', change: input.fold({ topic, partition, offset, timestamp, key, value, headers }) };
  } catch (error) {
    return { status: 'waiting', ...whyDead(error) };
  }
}

/**
 * Every letter that matches, in the order they were kept, including those added meanwhile. Only a few are in memory at
 * a time.
 */
export async function* eachDeadLetter(
  read: (query: DeadLetterQuery) => Promise<readonly KeptDeadLetter[]>,
  query: Omit<DeadLetterQuery, 'after' | 'limit'>,
): AsyncIterable<KeptDeadLetter> {
  let after = 0;
  for (;;) {
    const page = await read({ ...query, after, limit: lettersPerPage });
    yield* page;
    if (page.length < lettersPerPage) return;
    after = page.at(-1)!.number;
  }
}

/** Spreads work evenly over time. @param nowMs monotonic. */
export function createPace(
  perSecond: number,
  nowMs: () => number,
  wait: (ms: number) => Promise<unknown>,
): () => Promise<void> {
  let nextMs = nowMs();
  return async () => {
    const aheadMs = nextMs - nowMs();
    nextMs += 1_000 / perSecond + Math.max(0, -aheadMs);
    if (aheadMs > 0) await wait(aheadMs);
  };
}

/**
 * Copies the decisions to discard into a state that is about to be rebuilt; call it before reading begins. Decisions
 * about a topic that was deleted, or deleted and created again, are left out.
 * @returns how many were copied.
 */
export async function carryDiscarded<Change>(
  projection: string,
  from: Pick<ProgressStore<Change>, 'positions' | 'deadLetters'>,
  to: DeadLetterBook<Change>,
  log: EventLog,
): Promise<number> {
  const current = new Set<string>();
  for (const { topic, topicId } of await from.positions(projection)) {
    if ((await describeIfThere(log, topic))?.id === topicId) current.add(topic);
  }
  let carried = 0;
  for await (const letter of eachDeadLetter(from.deadLetters, { projection, status: 'discarded' })) {
    if (!current.has(letter.topic)) continue;
    await to.adoptDiscarded([letter]);
    carried++;
  }
  return carried;
}
