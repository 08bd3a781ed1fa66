/**
 * Diacritics, Hebrew points and Arabic vowel signs. Not the voicing marks of kana, the vowel signs of Indic scripts or
 * the tones of Thai: those make another word.
 */
const marks = /[[[\p{Script=Inherited}\p{Script=Hebrew}\p{Script=Arabic}]&&[\p{Mn}\p{Me}]]--[\u{3099}\u{309A}]]/gv;
/** Soft hyphens, joiners and direction marks; ʾ, ʿ and their like; the tatweel that only stretches an Arabic word. */
const silent = /[\p{Cf}\u02B9-\u02C1\u02C6-\u02D1\u02EC\u02EE\uA78B\uA78C\u0640]/gu;

/** Letters that Unicode does not decompose, with what readers type for them. */
const letters: Readonly<Record<string, string>> = {
  ß: 'ss',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  æ: 'ae',
  œ: 'oe',
  ı: 'i',
  ħ: 'h',
  ŧ: 't',
  ŋ: 'n',
  ə: 'e',
  ς: 'σ',
  ٱ: 'ا',
  ى: 'ي',
  ی: 'ي',
  ے: 'ي',
  ک: 'ك',
  ة: 'ه',
  ہ: 'ه',
  ۃ: 'ه',
  ھ: 'ه',
  װ: 'וו',
  ױ: 'וי',
  ײ: 'יי',
};
const unlike = new RegExp(`[${Object.keys(letters).join('')}]`, 'g');
const arabicDigits = /[٠-٩۰-۹]/g;
const plain = /^[\u0020-\u007E]*$/;

/**
 * One form for all ways to write a letter: lower case, compatibility forms resolved, diacritics and silent letters
 * dropped, variants of a letter alike. Every level of equality starts from it.
 */
export function foldText(text: string): string {
  if (plain.test(text)) return text.toLowerCase();
  return text
    .normalize('NFKD')
    .replaceAll(marks, '')
    .replaceAll(silent, '')
    .toLowerCase()
    .replaceAll(unlike, (letter) => letters[letter] ?? letter)
    .replaceAll(arabicDigits, (digit) => String(digit.charCodeAt(0) & 0xf))
    .normalize('NFC');
}

/** Words that readers write in two ways. Each form also finds the other. */
const pairs: readonly (readonly [one: string, other: string])[] = [
  ['vol', 'volume'],
  ['st', 'saint'],
  ['dr', 'doctor'],
  ['mr', 'mister'],
  ['pt', 'part'],
  ['no', 'number'],
];
const romans = 'i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx'.split(' ');

/** The number 1 has no Roman numeral here: “I” is a word. */
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
