/** A word as the index knows it, and where it stands in the text it was cut from, in UTF-16 code units. */
export type CutWord = {
  readonly word: string;
  readonly start: number;
  readonly end: number;
  /**
   * Another way to write words that stand here: `spiderman` for “spider-man”, `philosopher` for “philosopher's”, `jk`
   * for “J. K.”. The index knows these too; a query is made of the others.
   */
  readonly extra: boolean;
};

const segments = /[\p{L}\p{N}\p{M}]+(?:(?:['’‘ʼ`‐‑-]|(?<=\p{N}),(?=\p{N}{3}(?![\p{L}\p{N}])))[\p{L}\p{N}\p{M}]+)*/gu;
const apart = /[^\p{L}\p{N}\p{M}]+/gu;
const hyphens = /[‐‑-]/u;
const withinWord = /['’‘ʼ`,]/u;
/** Scripts written without spaces between words, and Hangul, whose words carry their particles. */
const spaceless =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー]+|[^\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー]+/gu;
const isSpaceless = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー]/u;
/** Diacritics, Hebrew points and Arabic vowel signs; not the voicing marks of kana, nor vowel signs of Indic scripts. */
const marks = /[[[\p{Script=Inherited}\p{Script=Hebrew}\p{Script=Arabic}]&&\p{Mn}]--[\u{3099}\u{309A}]]/gv;
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
  ς: 'σ',
};
const lettersPattern = /[ßøłđðþæœıς]/g;
const plain = /^[\u0020-\u007E]*$/;
const plainWord = /^[a-z0-9]+$/;

/** One form for all ways to write a letter: lower case, compatibility forms resolved, diacritics dropped. */
export function foldText(text: string): string {
  if (plain.test(text)) return text.toLowerCase();
  return text
    .normalize('NFKD')
    .replaceAll(marks, '')
    .toLowerCase()
    .replaceAll(lettersPattern, (letter) => letters[letter] ?? letter)
    .normalize('NFC');
}

/**
 * Cuts a text into the words the index, the query and the ranking all work with: runs of letters, digits and marks,
 * folded. Chinese, Japanese and Korean runs become overlapping pairs of characters.
 */
export function cutWords(text: string): readonly CutWord[] {
  const words: CutWord[] = [];
  segments.lastIndex = 0;
  for (let match = segments.exec(text); match !== null; match = segments.exec(text)) {
    cutSegment(match[0], match.index, words);
  }
  joinInitials(words);
  return words;
}

/** The words of a text without its extra spellings, one space between them: equal for texts that say the same. */
export function plainWords(text: string): string {
  const words: string[] = [];
  for (const { word, extra } of cutWords(text)) if (!extra) words.push(word);
  return words.join(' ');
}

function cutSegment(segment: string, start: number, into: CutWord[]): void {
  const parts = hyphens.test(segment) ? segment.split(hyphens) : [segment];
  let at = start;
  const before = into.length;
  for (const part of parts) {
    cutPart(part, at, into);
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
function cutPart(part: string, start: number, into: CutWord[]): void {
  if (!withinWord.test(part)) {
    cutFolded(part, start, false, into);
    return;
  }
  const pieces = part.split(withinWord);
  const word = foldText(pieces.join('')).replaceAll(apart, '');
  if (word !== '') into.push({ word, start, end: start + part.length, extra: false });
  let at = start;
  for (const piece of pieces) {
    cutFolded(piece, at, true, into);
    at += piece.length + 1;
  }
}

function cutFolded(part: string, start: number, extra: boolean, into: CutWord[]): void {
  const folded = foldText(part);
  if (folded === '') return;
  const end = start + part.length;
  if (plainWord.test(folded)) {
    into.push({ word: folded, start, end, extra });
    return;
  }
  const sameLength = folded.length === part.length;
  for (const run of folded.matchAll(spaceless)) {
    const from = sameLength ? start + run.index : start;
    if (isSpaceless.test(run[0])) cutPairs(run[0], { from, end, sameLength, extra }, into);
    else {
      for (const word of run[0].split(apart)) {
        if (word !== '') into.push({ word, start: from, end: sameLength ? from + run[0].length : end, extra });
      }
    }
  }
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
    if (word !== undefined && !word.extra && /^\p{L}$/u.test(word.word) && !isSpaceless.test(word.word)) {
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
