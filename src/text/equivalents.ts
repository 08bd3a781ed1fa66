/** Words that readers write either way, both forms found by each other. */
const pairs: readonly (readonly [one: string, other: string])[] = [
  ['vol', 'volume'],
  ['st', 'saint'],
  ['dr', 'doctor'],
  ['mr', 'mister'],
  ['pt', 'part'],
  ['no', 'number'],
];
const romans = 'i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx'.split(' ');

/** A Roman numeral is not looked for in place of the number 1: “I” is a person. */
const others = new Map<string, string>([
  ...pairs,
  ...pairs.map(([one, other]) => [other, one] as const),
  ...romans.slice(1).map((roman, at) => [String(at + 2), roman] as const),
  ...romans.slice(1).map((roman, at) => [roman, String(at + 2)] as const),
]);

/**
 * The other way to write a word, `null` where there is none: “vol” for volume, “2” for II. A Roman numeral must be
 * written in capitals, and have two letters: “V” may be a name.
 */
export function equivalentOf(word: string, written: string): string | null {
  const other = others.get(word);
  if (other === undefined) return null;
  if (!/\d/.test(other)) return other.length > 1 ? other : null;
  return word.length > 1 && written === written.toUpperCase() ? other : null;
}
