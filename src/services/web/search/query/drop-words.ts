/** What dropping words asks the index. Each call is one look-up. */
export type AskIndex<Word> = {
  readonly matches: (words: readonly Word[]) => boolean;
  /** How good the best match of these words is: one more for twice as many readers. */
  readonly worth: (words: readonly Word[]) => number;
  /** About how many books have a word. Above a thousand the number may be too small. */
  readonly frequency: (word: Word) => number;
};

const starts = 4;
/** With more words than this, only the rarest is tried as a start, and growing ends early. */
const longQuery = 12;
const mostFailures = 4;

/**
 * For a query that no book matches: the words to search with instead. The caller has left out function words and says
 * that numbers are frequent (`plan-search.ts`). This drops the words that no book has, then as few others as possible.
 * Of selections of equal length it keeps the one whose best book ranks highest; common words count less. Look-ups: one
 * for each word, one for all of them together, and for each start that is tried at most as many as there are words.
 * @returns a selection in the order typed, matched by at least one book; empty when no book has any of the words.
 */
export function keepMatchingWords<Word>(words: readonly Word[], ask: AskIndex<Word>): readonly Word[] {
  const frequency = new Map(words.map((word) => [word, ask.frequency(word)]));
  const rarestFirst = words
    .filter((word) => frequency.get(word)! > 0)
    .sort((a, b) => frequency.get(a)! - frequency.get(b)!);
  if (rarestFirst.length === 0) return [];
  if (rarestFirst.length < words.length && ask.matches(inOrder(words, rarestFirst))) return inOrder(words, rarestFirst);
  let best: readonly Word[] = [];
  let bestWorth = 0;
  for (const start of rarestFirst.slice(0, words.length > longQuery ? 1 : starts)) {
    if (best.includes(start) && best.length === rarestFirst.length - 1) continue;
    const kept = growFrom(start, rarestFirst, words, ask);
    if (kept.length < best.length) continue;
    const worth = kept.reduce((sum, word) => sum - Math.log2(frequency.get(word)!), ask.worth(kept));
    if (kept.length > best.length || worth > bestWorth) {
      best = kept;
      bestWorth = worth;
    }
  }
  return best;
}

/** Adds one word after the other, the rarest first, as long as a book still has all of them. */
function growFrom<Word>(
  start: Word,
  rarestFirst: readonly Word[],
  words: readonly Word[],
  ask: AskIndex<Word>,
): readonly Word[] {
  let kept: readonly Word[] = [start];
  let failures = 0;
  for (const word of rarestFirst) {
    if (word === start) continue;
    const more = inOrder(words, [...kept, word]);
    if (ask.matches(more)) kept = more;
    else if (words.length > longQuery && ++failures === mostFailures) break;
  }
  return kept;
}

function inOrder<Word>(words: readonly Word[], some: readonly Word[]): readonly Word[] {
  return words.filter((word) => some.includes(word));
}
