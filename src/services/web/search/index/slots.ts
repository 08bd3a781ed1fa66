/** What one typed word, or two read as one, may mean. */
export type Slot = {
  readonly typed: string;
  /** `author`: only authors may match. `null`: any field. */
  readonly only: 'author' | null;
  readonly alternatives: readonly Alternative[];
};

/** One meaning of a slot: one word, or several that were typed as one. */
export type Alternative = {
  readonly words: readonly { readonly word: string; readonly prefix: boolean }[];
  /** How far it is from what was typed. A missing or needless space counts less than a wrong letter. */
  readonly edits: number;
};

/** All slots as an FTS5 expression. */
export function slotsExpression(slots: readonly Slot[]): string {
  return slots.map(slotExpression).join(' AND ');
}

function slotExpression({ alternatives }: Slot): string {
  const expressions = alternatives.map(({ words }) => {
    const expression = matchExpression(words);
    return words.length === 1 ? expression : `(${expression})`;
  });
  return expressions.length === 1 ? expressions[0]! : `(${expressions.join(' OR ')})`;
}

/**
 * An FTS5 expression that needs all words, in any field. Words have only letters, digits and a few symbols, and each is
 * quoted, so none can be an operator.
 */
export function matchExpression(words: readonly { readonly word: string; readonly prefix: boolean }[]): string {
  let expression = '';
  for (const { word, prefix } of words) expression += ` "${word}${prefix ? '"*' : '"'}`;
  return expression.slice(1);
}
