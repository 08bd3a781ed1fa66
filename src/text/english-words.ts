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

const irregularForms = new Map(
  'man/men woman/women child/children mouse/mice foot/feet tooth/teeth goose/geese person/people ox/oxen'
    .split(' ')
    .map((pair) => pair.split('/') as [string, string])
    .flatMap(([one, many]) => [[one, many] as const, [many, one] as const]),
);

/** The singular of a plural and the plural of a singular, in English: “city” for “cities”, “cities” for “citys”. */
export function otherForms(word: string): readonly string[] {
  const ending = (letters: number, other: string): string => word.slice(0, word.length - letters) + other;
  const irregular = irregularForms.get(word);
  if (irregular !== undefined) return [irregular];
  if (word.length < 4) return [];
  if (word.endsWith('ies')) return [ending(3, 'y'), ending(1, '')];
  if (word.endsWith('ys')) return [ending(1, ''), ending(2, 'ies')];
  if (word.endsWith('ves')) return [ending(3, 'f'), ending(3, 'fe'), ending(1, '')];
  if (word.endsWith('es')) return [ending(1, ''), ending(2, '')];
  if (word.endsWith('s')) return [ending(1, '')];
  return word.endsWith('y') ? [ending(1, 'ies'), `${word}s`] : [`${word}s`, `${word}es`];
}

/** Numerals of two letters or more: “I” is a word, “V” may be a name. */
const romanNumbers = new Map<string, readonly string[]>();
for (const [at, roman] of romans.entries()) {
  if (roman.length < 2) continue;
  const number = String(at + 1);
  romanNumbers.set(roman, [number, ...others.get(number)!]);
  others.set(number, [roman, ...others.get(number)!]);
}
const beginnings = new Set([...others.keys(), ...romanNumbers.keys()].map(beginningOf));

/** A quick check: false when no word of this beginning and length has another way to write it. Most have not. */
export function mayHaveEquivalents(word: string): boolean {
  return beginnings.has(beginningOf(word));
}

function beginningOf(word: string): number {
  return word.charCodeAt(0) * 64 + word.length;
}

const noWords: readonly string[] = [];

/**
 * Other ways to write a word: “vol” for volume, “5” for five, “2” for II. A Roman numeral must be written in capitals;
 * a number behind `#` counts the books of a series and is written in digits only.
 */
export function equivalentsOf(word: string, text: string, start: number, end: number): readonly string[] {
  const roman = romanNumbers.get(word);
  if (roman !== undefined) {
    const written = text.slice(start, end);
    return written === written.toUpperCase() ? roman : noWords;
  }
  const found = others.get(word) ?? noWords;
  if (found.length === 0 || text[start - 1] !== '#') return found;
  return found.filter((other) => romanNumbers.has(other));
}

/** A folded text without its leading English article. A text that is only an article stays. */
export function withoutArticle(folded: string): string {
  return folded.replace(/^(?:the|an?) (?=.)/, '');
}

export function isArticle(word: string): boolean {
  return word === 'the' || word === 'a' || word === 'an';
}

/** Words that say nothing about a book: English function words, articles of other languages, and words for books. */
export const functionWords: ReadonlySet<string> = new Set(
  (
    'a about an and are as at be but by do for from had has have he her him his how i in into is it its like me my no not of ' +
    'on or our s she so t that the their them then there they this to us was we were what when where which who why with ' +
    'you your book books novel author de der des die das del du el et ein eine la las le les los un una une und y'
  ).split(' '),
);
