import type { QueryWord } from './parse-query.ts';

/** One way to understand a query: every slot must be matched, by any of its alternatives. */
export type Reading = {
  readonly slots: readonly Slot[];
  /** The words as typed where nothing was corrected, `null` where they follow from what matched. */
  readonly phrase: string | null;
  /** Instead of slots: the initials of a title. */
  readonly whole: string | null;
};

/** What one typed word, or two taken together, may stand for. */
export type Slot = {
  readonly typed: string;
  readonly only: QueryWord['only'];
  readonly alternatives: readonly Alternative[];
  /** About how many books match, where that is known to be many; else 0. */
  readonly books: number;
};

/** Two words where one was typed for both. */
export type Alternative = {
  readonly words: readonly { readonly word: string; readonly prefix: boolean }[];
  /** How far it is from what was typed; a space too many or too few is less than a wrong letter. */
  readonly edits: number;
  /** In how many books it is, where that is known; else 0. */
  readonly books: number;
};

export function slotAsTyped({ word, prefix, only }: QueryWord): Slot {
  return { typed: word, only, alternatives: [{ words: [{ word, prefix }], edits: 0, books: 0 }], books: 0 };
}

export function readingAsTyped(words: readonly QueryWord[], phrase: string): Reading {
  return { slots: words.map(slotAsTyped), phrase, whole: null };
}

/** All slots as an FTS5 expression. */
export function slotsExpression(slots: readonly Slot[]): string {
  return slots.map(slotExpression).join(' AND ');
}

function slotExpression({ alternatives }: Slot): string {
  const expressions = alternatives.map(({ words }) => {
    const each = words.map(({ word, prefix }) => (prefix ? `"${word}"*` : `"${word}"`));
    return each.length === 1 ? each[0]! : `(${each.join(' AND ')})`;
  });
  return expressions.length === 1 ? expressions[0]! : `(${expressions.join(' OR ')})`;
}
