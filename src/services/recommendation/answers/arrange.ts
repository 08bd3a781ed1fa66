/** What decides whether a work gets into the list that is shown. */
export type Candidate = {
  /** `authorKeys`; none for a book without an author. */
  readonly authors: readonly string[];
  /** The reader has had no book by any of its authors. */
  readonly isByNewAuthor: boolean;
  /** It is suggested because readers of the reader's own books read it. */
  readonly isReadTogether: boolean;
  /** It was among the results of the reader's recent searches. */
  readonly isRecentResult: boolean;
  /** It belongs to a series of which the reader should read another volume first. */
  readonly isLaterVolume: boolean;
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
 * @param candidates read several times, each time no further than needed.
 * @returns the chosen candidates, in the order of the ranking.
 */
export function arrange<One extends Candidate>(candidates: Iterable<One>): readonly One[] {
  const chosen = new Map<number, One>();
  const perAuthor = new Map<string, number>();
  const counted = { recent: 0, knownAuthors: 0 };
  let newAuthorsMatter: boolean | null = null;
  const leavesNewAuthorsOut = (): boolean =>
    counted.knownAuthors >= shown - byNewAuthors && (newAuthorsMatter ??= hasNewAuthors(candidates));

  const fill = (rules: { readonly newAuthors: boolean; readonly recent: boolean }): void => {
    let place = -1;
    for (const candidate of candidates) {
      place++;
      const { authors, isByNewAuthor, isRecentResult, isLaterVolume } = candidate;
      if (isLaterVolume || chosen.has(place)) continue;
      if (authors.some((author) => (perAuthor.get(author) ?? 0) >= byOneAuthor)) continue;
      if (rules.newAuthors && !isByNewAuthor && leavesNewAuthorsOut()) continue;
      if (rules.recent && isRecentResult && counted.recent >= recentResults) continue;
      chosen.set(place, candidate);
      for (const author of authors) perAuthor.set(author, (perAuthor.get(author) ?? 0) + 1);
      if (isRecentResult) counted.recent++;
      if (!isByNewAuthor) counted.knownAuthors++;
      if (chosen.size === shown) return;
    }
  };
  fill({ newAuthors: true, recent: true });
  if (chosen.size < shown) fill({ newAuthors: false, recent: true });
  if (chosen.size < shown) fill({ newAuthors: false, recent: false });
  return [...chosen].sort(([one], [other]) => one - other).map(([, candidate]) => candidate);
}

function hasNewAuthors(candidates: Iterable<Candidate>): boolean {
  let found = 0;
  for (const { isByNewAuthor, isReadTogether } of candidates) {
    if (isByNewAuthor && isReadTogether) found++;
    if (found === byNewAuthors) return true;
  }
  return false;
}
