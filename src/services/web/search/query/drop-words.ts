/** What may be asked of the index while words are being dropped; each call is one look-up. */
export type AskIndex<Word> = {
  readonly matches: (words: readonly Word[]) => boolean;
  /** In about how many books a word is; may stop counting anywhere above a thousand. */
  readonly frequency: (word: Word) => number;
};

const starts = 4;
/** Of more words only the rarest is tried as a start, and growing ends early. */
const longQuery = 12;
const mostFailures = 4;

/**
 * For a query that no book matches: the words to search with instead. Words that no book has go first; then as few
 * others as can be, and of equally many the ones that say least, being in the most books. At most 36 look-ups for 32 words
 * and as many again per start tried.
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
  let bestRarity = 0;
  for (const start of rarestFirst.slice(0, words.length > longQuery ? 1 : starts)) {
    if (best.includes(start) && best.length === rarestFirst.length - 1) continue;
    const kept = growFrom(start, rarestFirst, words, ask);
    const rarity = kept.reduce((sum, word) => sum - Math.log2(frequency.get(word)!), 0);
    if (kept.length > best.length || (kept.length === best.length && rarity > bestRarity)) {
      best = kept;
      bestRarity = rarity;
    }
  }
  return best;
}

/** Adds one word after the other, the most telling first, as long as a book still has all of them. */
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
