/** What decides whether a work gets into the list that is shown. */
export type Candidate = {
  /** The reader has had no book by any of its authors. */
  readonly isByNewAuthor: boolean;
  /** It is suggested because readers of the reader's own books read it. */
  readonly isReadTogether: boolean;
  /** It was among the results of the reader's recent searches. */
  readonly isRecentResult: boolean;
};

/** Facts that take longer to compute, so they are computed for few candidates only. */
export type Asking<One> = {
  /** Numbers that stand for its authors; none for a book without an author. */
  readonly authorsOf: (candidate: One) => readonly number[];
  /** It belongs to a series of which the reader should read another volume first. */
  readonly isLaterVolume: (candidate: One) => boolean;
  /** Whether there is a reason that may be shown. Candidates without one are left out. */
  readonly canBeTold: (candidate: One) => boolean;
};

const shown = 10;
const byOneAuthor = 2;
const recentResults = 2;
const byNewAuthors = 3;

/**
 * Chooses the list that is shown from a ranking. It has ten works: at most two by one author, at most two from the
 * reader's own recent results, of a series only the next volume, and at least three by authors new to the reader, if
 * readers of the same books read that many. If this leaves the list short, the rule of new authors is dropped first,
 * then the rule of recent results. The rule of two by one author always holds: a shorter list is better.
 * @param further candidates behind the ranking that are not read together with anything. Called only when the ranking
 *   does not fill the list.
 * @returns the chosen candidates, in this order.
 */
export function arrange<One extends Candidate>(
  ranking: readonly One[],
  further: () => readonly One[],
  asking: Asking<One>,
): readonly One[] {
  const { authorsOf, isLaterVolume, canBeTold } = asking;
  const chosen = new Set<One>();
  const perAuthor = new Map<number, number>();
  const counted = { recent: 0, knownAuthors: 0 };
  let newAuthorsMatter: boolean | null = null;
  const leavesNewAuthorsOut = (): boolean =>
    counted.knownAuthors >= shown - byNewAuthors && (newAuthorsMatter ??= hasNewAuthors(ranking, canBeTold));

  const fillFrom = (candidates: readonly One[], rules: Rules): void => {
    for (const candidate of candidates) {
      if (chosen.size === shown) return;
      const { isByNewAuthor, isRecentResult } = candidate;
      if (rules.newAuthors && !isByNewAuthor && leavesNewAuthorsOut()) continue;
      if (rules.recent && isRecentResult && counted.recent >= recentResults) continue;
      if (chosen.has(candidate)) continue;
      const authors = authorsOf(candidate);
      if (authors.some((author) => (perAuthor.get(author) ?? 0) >= byOneAuthor)) continue;
      if (isLaterVolume(candidate) || !canBeTold(candidate)) continue;
      chosen.add(candidate);
      for (const author of authors) perAuthor.set(author, (perAuthor.get(author) ?? 0) + 1);
      if (isRecentResult) counted.recent++;
      if (!isByNewAuthor) counted.knownAuthors++;
    }
  };
  let behind: readonly One[] | null = null;
  for (const rules of inTurn) {
    fillFrom(ranking, rules);
    if (chosen.size === shown) break;
    fillFrom((behind ??= further()), rules);
  }
  return [...ranking, ...(behind ?? [])].filter((candidate) => chosen.has(candidate));
}

type Rules = { readonly newAuthors: boolean; readonly recent: boolean };

/** First all rules, then fewer. */
const inTurn: readonly Rules[] = [
  { newAuthors: true, recent: true },
  { newAuthors: false, recent: true },
  { newAuthors: false, recent: false },
];

function hasNewAuthors<One extends Candidate>(
  candidates: readonly One[],
  canBeTold: (candidate: One) => boolean,
): boolean {
  let found = 0;
  for (const candidate of candidates) {
    if (candidate.isByNewAuthor && candidate.isReadTogether && canBeTold(candidate)) found++;
    if (found === byNewAuthors) return true;
  }
  return false;
}
