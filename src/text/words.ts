/**
 * Diacritics, Hebrew points and Arabic vowel signs. The voicing marks of kana, the vowel signs of Indic scripts and the
 * tones of Thai are not included, because they make a different word.
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
 * One form for all ways to write a letter: in lower case, with compatibility forms resolved, diacritics and silent
 * letters dropped, and variants of a letter made equal. Every level of equality starts from it.
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
const numbers =
  'one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty';
const ordinals =
  '1st/first 2nd/second 3rd/third 4th/fourth 5th/fifth 6th/sixth 7th/seventh 8th/eighth 9th/ninth 10th/tenth 11th/eleventh 12th/twelfth ' +
  '13th/thirteenth 14th/fourteenth 15th/fifteenth 16th/sixteenth 17th/seventeenth 18th/eighteenth 19th/nineteenth 20th/twentieth';
const largerNumbers = '30/thirty 40/forty 50/fifty 60/sixty 70/seventy 80/eighty 90/ninety 100/hundred 1000/thousand';
const romans = 'i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx'.split(' ');

const others = new Map<string, readonly string[]>();
for (const [one, other] of [
  ...pairs,
  ...numbers.split(' ').map((number, at) => [String(at + 1), number] as const),
  ...`${ordinals} ${largerNumbers}`.split(' ').map((pair) => pair.split('/') as [string, string]),
]) {
  others.set(one, [other]);
  others.set(other, [one]);
}
const inDigits = new Map(
  [...others].flatMap(([word, [number]]) =>
    /^\D/.test(word) && /^\d/.test(number!) ? [[word, String(parseInt(number!, 10))] as const] : [],
  ),
);

const ordinalWords = new Set(ordinals.split(' ').map((pair) => pair.split('/')[1]));

/** The number that an English word says: “3” for three and for third; `null` for other words. */
export function digitsOf(word: string): string | null {
  return inDigits.get(word) ?? null;
}

/**
 * The number that several English words say from `at` on: “fifty one” and “four fifty one” as years are said, and “two
 * thousand and one”. `null` for fewer than two number words.
 */
export function numberIn(words: readonly string[], at: number): SaidNumber | null {
  let groups: string[] = [];
  let sum = 0;
  let last = 0;
  let end = at;
  for (let next = at; next < words.length; next++) {
    const word = words[next]!;
    if (word === 'and' && last >= 100) continue;
    const value = ordinalWords.has(word) || !/^\p{L}/u.test(word) ? 0 : Number(digitsOf(word));
    if (value === 0 || (value >= 100 && last === 0)) break;
    const said = Number(groups.join(''));
    if (value >= 100) {
      sum = value === 100 ? sum + said * value : (sum + said) * value;
      groups = [];
    } else if (value < 10 && last >= 20 && last <= 90) groups.push(String(Number(groups.pop()) + value));
    else groups.push(String(value));
    last = value;
    end = next + 1;
  }
  if (end - at < 2) return null;
  return sum > 0
    ? { digits: String(sum + Number(groups.join(''))), groups: [], end }
    : { digits: groups.join(''), groups, end };
}

type SaidNumber = {
  readonly digits: string;
  /** The numbers it is said as: 19 and 84. Empty for one number. */
  readonly groups: readonly string[];
  /** Where the words after it begin. */
  readonly end: number;
};

const shortForms = new Map(
  'ww1/world war 1,ww2/world war 2,wwi/world war 1,wwii/world war 2,scifi/science fiction'
    .split(',')
    .map((pair) => pair.split('/') as [string, string])
    .map(([short, long]) => [short, long.split(' ')] as const),
);

/** The words that a short form such as “ww2” stands for, which titles rarely contain; `null` for other words. */
export function longFormOf(word: string): readonly string[] | null {
  return shortForms.get(word) ?? null;
}

/** Numerals of two letters or more: “I” is a word, “V” may be a name. */
const romanNumbers = new Map<string, readonly string[]>();
for (const [at, roman] of romans.entries()) {
  if (roman.length < 2) continue;
  const number = String(at + 1);
  romanNumbers.set(roman, [number, ...others.get(number)!]);
  others.set(number, [roman, ...others.get(number)!]);
}
/** Whether any word that begins and is as long as this one has another way to write it: most have not. */
const beginnings = new Set([...others.keys(), ...romanNumbers.keys()].map(beginningOf));
const noWords: readonly string[] = [];

/**
 * Other ways to write a word: “vol” for volume, “5” for five, “2” for II. A Roman numeral must be written in capitals;
 * a number behind `#` counts the books of a series and is written in digits only.
 */
function equivalentsOf(word: string, text: string, start: number, end: number): readonly string[] {
  const roman = romanNumbers.get(word);
  if (roman !== undefined) {
    const written = text.slice(start, end);
    return written === written.toUpperCase() ? roman : noWords;
  }
  const found = others.get(word) ?? noWords;
  if (found.length === 0 || text[start - 1] !== '#') return found;
  return found.filter((other) => romanNumbers.has(other));
}

/** A word as the index knows it, and where it stands in the text it was cut from, in UTF-16 code units. */
type CutWord = {
  readonly word: string;
  readonly start: number;
  readonly end: number;
  /**
   * Another way to write words that stand here: `spiderman` for “spider-man”, `philosopher` for “philosopher's”, `jk`
   * for “J. K.”, `c` for “C++”, `mueller` for “Müller”. The index knows these too; a query is made of the others.
   */
  readonly extra: boolean;
};

/**
 * Letters, with what may stand inside words: apostrophes, hyphens, thousands commas. In front of them the dot of
 * “.NET”, behind them the symbols of “C++” and “C#”. An ampersand is a word by itself.
 */
const segments =
  /(?<dot>(?:(?<![\p{L}\p{N}\p{P}])\.(?=\p{L}{2}))|\.(?=net(?![\p{L}\p{N}])))?(?<body>[\p{L}\p{N}\p{M}\p{Cf}]+(?:(?:['’‘`׳״‐‑־-]|(?<=\p{Script=Hebrew})"(?=\p{Script=Hebrew})|(?<=\p{N}),(?=\p{N}{3}(?![\p{L}\p{N}])))[\p{L}\p{N}\p{M}\p{Cf}]+)*)(?<symbols>\+\+(?!\p{L})|[+#](?![\p{L}\p{N}+#]))?|[&＆]/giu;
/** Texts that need `cutSegments`. */
const beyondPlain = /[^A-Za-z0-9 ,:;!?()./]|\d,\d|\.[A-Za-z]/;
const apart = /[^\p{L}\p{N}\p{M}]+/gu;
const hyphens = /[‐‑־-]/u;
const withinWord = /['’‘ʼ`׳״",]/u;
/** Scripts written without spaces between words; also Hangul, where particles are written as part of a word. */
const unspacedScripts =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}ー';
const runs = new RegExp(`[${unspacedScripts}]+|[^${unspacedScripts}]+`, 'gu');
const unspaced = new RegExp(`^[${unspacedScripts}]`, 'u');
const plainWord = /^[a-z0-9]+$/;
const symbolWord = /^[a-z0-9]{1,2}$/;
const initial = /^\p{L}$/u;

/** How German and Scandinavian letters are written where the keyboard lacks them. */
const twoLetters: Readonly<Record<string, string>> = { ä: 'ae', ö: 'oe', ü: 'ue', ø: 'oe', å: 'aa' };
const umlauts = /[äöüøå]/g;

/**
 * The level of finding: cuts a text into the words that the index, the query and the ranking work with. Words are runs
 * of letters, digits and marks, folded. Scripts without spaces become overlapping pairs of characters.
 */
export function cutWords(text: string): readonly CutWord[] {
  return cut(text, true);
}

/** The words of a text without other spellings, initials as one word, scripts without spaces in whole runs. */
export function wholeWords(text: string): readonly string[] {
  const words: string[] = [];
  let initials = '';
  for (const { word, extra } of cut(text, false)) {
    if (extra) continue;
    if (initial.test(word) && !unspaced.test(word)) {
      initials += word;
      continue;
    }
    if (initials !== '') words.push(initials);
    initials = '';
    words.push(word);
  }
  if (initials !== '') words.push(initials);
  return words;
}

/** Whether a word is of a script written without spaces. */
export function isUnspaced(word: string): boolean {
  return unspaced.test(word);
}

function cut(text: string, pairs: boolean): readonly CutWord[] {
  const words: CutWord[] = [];
  if (beyondPlain.test(text)) cutSegments(text, pairs, words);
  else cutPlain(text, words);
  if (pairs) {
    addEquivalents(text, words);
    joinInitials(words);
  }
  return words;
}

/** Cuts most English titles exactly as `cutSegments` does, in a fifth of the time. */
function cutPlain(text: string, into: CutWord[]): void {
  for (let start = 0; start < text.length; start++) {
    let end = start;
    while (end < text.length && isPlainLetter(text.charCodeAt(end))) end++;
    if (end === start) continue;
    into.push({ word: text.slice(start, end).toLowerCase(), start, end, extra: false });
    start = end;
  }
}

function isPlainLetter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57);
}

function beginningOf(word: string): number {
  return word.charCodeAt(0) * 64 + word.length;
}

function addEquivalents(text: string, words: CutWord[]): void {
  const count = words.length;
  for (let at = 0; at < count; at++) {
    const { word, start, end, extra } = words[at]!;
    if (extra || !beginnings.has(beginningOf(word))) continue;
    for (const other of equivalentsOf(word, text, start, end)) words.push({ word: other, start, end, extra: true });
  }
}

function cutSegments(text: string, pairs: boolean, words: CutWord[]): void {
  segments.lastIndex = 0;
  for (let match = segments.exec(text); match !== null; match = segments.exec(text)) {
    const { dot, body, symbols } = match.groups!;
    if (body === undefined) {
      words.push({ word: 'and', start: match.index, end: match.index + 1, extra: false });
      continue;
    }
    const before = words.length;
    cutSegment(body, match.index + (dot?.length ?? 0), pairs, words);
    if (dot !== undefined) addSymbols(words, before, dot, '');
    if (symbols !== undefined) addSymbols(words, lastOwn(words, before), '', symbols);
  }
}

function lastOwn(words: readonly CutWord[], from: number): number {
  for (let at = words.length - 1; at >= from; at--) if (!words[at]!.extra) return at;
  return words.length;
}

/** “C++” is the word `c++`, and also known as `c`. Only short words carry symbols behind them. */
function addSymbols(words: CutWord[], at: number, ahead: string, behind: string): void {
  const found = words[at];
  if (found === undefined || (behind !== '' && !symbolWord.test(found.word))) return;
  const { word, start, end, extra } = found;
  words[at] = { word: ahead + word + behind, start: start - ahead.length, end: end + behind.length, extra };
  words.push({ word, start, end, extra: true });
}

function cutSegment(segment: string, start: number, pairs: boolean, into: CutWord[]): void {
  const parts = hyphens.test(segment) ? segment.split(hyphens) : [segment];
  let at = start;
  const before = into.length;
  for (const part of parts) {
    cutPart(part, at, pairs, into);
    at += part.length + 1;
  }
  if (parts.length === 1) return;
  const joined = into
    .slice(before)
    .filter(({ extra }) => !extra)
    .map(({ word }) => word)
    .join('');
  if (joined !== '') into.push({ word: joined, start, end: start + segment.length, extra: true });
}

/** “philosopher's” is the word `philosophers`, and also known by its parts; so is “20,000”. */
function cutPart(part: string, start: number, pairs: boolean, into: CutWord[]): void {
  if (!withinWord.test(part)) {
    cutFolded(part, { start, extra: false, pairs }, into);
    return;
  }
  const pieces = part.split(withinWord);
  const word = foldText(pieces.join('')).replaceAll(apart, '');
  if (word !== '') into.push({ word, start, end: start + part.length, extra: false });
  let at = start;
  for (const piece of pieces) {
    cutFolded(piece, { start: at, extra: true, pairs }, into);
    at += piece.length + 1;
  }
}

type Place = { readonly start: number; readonly extra: boolean; readonly pairs: boolean };

function cutFolded(part: string, { start, extra, pairs }: Place, into: CutWord[]): void {
  const folded = foldText(part);
  if (folded === '') return;
  const end = start + part.length;
  if (plainWord.test(folded)) {
    into.push({ word: folded, start, end, extra });
    addTwoLetterSpelling(part, folded, start, into);
    return;
  }
  const sameLength = folded.length === part.length;
  for (const run of folded.matchAll(runs)) {
    const from = sameLength ? start + run.index : start;
    if (pairs && unspaced.test(run[0])) cutPairs(run[0], { from, end, sameLength, extra }, into);
    else {
      for (const word of run[0].split(apart)) {
        if (word !== '') into.push({ word, start: from, end: sameLength ? from + run[0].length : end, extra });
      }
    }
  }
}

/** “Müller” is also found as `mueller`. */
function addTwoLetterSpelling(part: string, folded: string, start: number, into: CutWord[]): void {
  if (part.length === folded.length && part.toLowerCase() === folded) return;
  const written = part.normalize('NFC').toLowerCase();
  const word = foldText(written.replaceAll(umlauts, (letter) => twoLetters[letter] ?? letter));
  if (word !== folded) into.push({ word, start, end: start + part.length, extra: true });
}

/** 吾輩は → 吾輩 輩は, and は, so that a single character finds every word it is in. */
function cutPairs(
  run: string,
  place: { from: number; end: number; sameLength: boolean; extra: boolean },
  into: CutWord[],
): void {
  const characters = Array.from(run);
  let at = place.from;
  for (const [index, character] of characters.entries()) {
    const next = characters[index + 1];
    const word = character + (next ?? '');
    const single = next === undefined && characters.length > 1;
    into.push({
      word,
      start: place.sameLength ? at : place.from,
      end: place.sameLength ? at + word.length : place.end,
      extra: place.extra || single,
    });
    at += character.length;
  }
}

/** “J. R. R. Tolkien” is also found as `jrr tolkien`. */
function joinInitials(words: CutWord[]): void {
  const initials: CutWord[] = [];
  const count = words.length;
  for (let index = 0; index <= count; index++) {
    const word = words[index];
    if (word?.extra === true) continue;
    if (word !== undefined && initial.test(word.word) && !unspaced.test(word.word)) {
      initials.push(word);
      continue;
    }
    if (initials.length > 1) {
      words.push({
        word: initials.map(({ word }) => word).join(''),
        start: initials[0]!.start,
        end: initials.at(-1)!.end,
        extra: true,
      });
    }
    initials.length = 0;
  }
}

const simple = /^[a-z0-9]{2,}(?: [a-z0-9]{2,})*$/;
const ascii = /^[\x20-\x7E]*$/;
const spaces = /[\p{Z}\s\p{Cc}]+/gu;
/** Signs that say nothing about the book. */
const tradeSigns = /[™®©℠]/gu;
const tellingSymbols = /[\p{Sc}\p{So}+%∞♯]|#(?!\s*\p{N})/gu;

/**
 * The level of counting: equal for two queries that search for the same words, however they are spelt. A text without
 * any word is its own key. The key of a key is the key.
 */
export function countingKey(text: string): string {
  if (simple.test(text)) return text;
  const written = compatible(text);
  const words = wholeWords(written);
  return words.length > 0 ? words.join(' ') : symbolsOnly(written);
}

/**
 * The level of identity: equal for two titles of one book as different lists write it. It is stricter than counting:
 * symbols outside words matter.
 */
export function identityKey(text: string): string {
  const written = compatible(text);
  const words = wholeWords(written);
  return words.length > 0 ? [...words, ...(written.match(tellingSymbols) ?? [])].join(' ') : symbolsOnly(written);
}

/** What nobody sees: spaces, control characters, soft hyphens and the like. The inside of a class in a JSON schema. */
export const unseen =
  '\\s\\u0000-\\u001F\\u007F-\\u009F\\u00AD\\u034F\\u061C\\u115F\\u1160\\u17B4\\u17B5\\u180B-\\u180F\\u200B-\\u200F' +
  '\\u2028-\\u202E\\u2060-\\u206F\\u3164\\uFE00-\\uFE0F\\uFEFF\\uFFA0';

const seen = new RegExp(`[^${unseen}]`);

/** Whether a reader would see nothing of the text. */
export function isBlank(text: string): boolean {
  return !seen.test(text);
}

/** A folded text without its leading English article. A text that is only an article stays. */
export function withoutArticle(folded: string): string {
  return folded.replace(/^(?:the|an?) (?=.)/, '');
}

export function isArticle(word: string): boolean {
  return word === 'the' || word === 'a' || word === 'an';
}

/** Resolves compatibility forms before words are cut, because “№” or “㏂” stand for words. */
function compatible(text: string): string {
  if (ascii.test(text)) return text;
  return (text.replaceAll(tradeSigns, '') || text).normalize('NFKC');
}

/** The folded symbols of a title without any word, such as “???” or “❤️‍🔥”. */
function symbolsOnly(text: string): string {
  const folded = foldText(text).replaceAll(spaces, ' ').trim();
  return folded === '' ? text.trim() : folded;
}

/** Words that say nothing about a book: English function words, articles of other languages, and words for books. */
export const functionWords: ReadonlySet<string> = new Set(
  (
    'a about an and are as at be but by do for from had has have he her him his how i in into is it its like me my no not of ' +
    'on or our s she so t that the their them then there they this to us was we were what when where which who why with ' +
    'you your book books novel author de der des die das del du el et ein eine la las le les los un una une und y'
  ).split(' '),
);
