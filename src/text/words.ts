import { equivalentsOf, mayHaveEquivalents } from './english-words.ts';

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

function addEquivalents(text: string, words: CutWord[]): void {
  const count = words.length;
  for (let at = 0; at < count; at++) {
    const { word, start, end, extra } = words[at]!;
    if (extra || !mayHaveEquivalents(word)) continue;
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
