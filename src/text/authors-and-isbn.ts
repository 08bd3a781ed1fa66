import { foldText, isUnspaced, wholeWords } from './words.ts';

const separators = /[;|、，،؛\n]|\s\/\s|\/(?=\S+\s)|&|\s(?:and|with)\s/i;
/** Where a line may be cut, or what may be left out of it. Most lines have nothing of this: they are one name. */
const mayChange = /[,;&|/\n、，،؛([\d]|\s(?:and|with)\s|^\s|\s$|^$/i;
/**
 * A name of words of two letters or more, none of which `withoutJunior` may change: its key is itself in lower case.
 */
const simpleName = /^[A-Z][a-z]+(?: (?!(?:Jr|Junior|Senior|Elder|Younger)$)[A-Z][a-z]+)*$/;
const degree = /^(?:esq|ph\.?\s?d|m\.?d)\.?$/i;
/** Words that tell people of one name apart, folded: father and son, the elder and the younger. */
const generations = new Set(
  (
    'jr junior sr senior ii iii iv pere fils padre hijo pai filho neto sobrinho vater sohn altere jungere elder younger ' +
    'vecchio giovane viejo joven oude jonge starszy mlodszy старшии младшии отец сын ст мл 父 子'
  ).split(' '),
);
const inBrackets = /\s*[([（]([^()[\]（）]*)[)\]）]/g;
const years = /^[^\p{L}]*\d{3,4}[^\p{L}]*$/u;
const role =
  /\s*[([](?:goodreads |foreword |introduction |with |by )*(?:author|authors|writer|illustrator|illustrated|artist|translator|translated|editor|edited|ed|eds|narrator|contributor|adapter|photographer|compiler|preface|afterword|foreword|introduction)s?\.?[)\]]\s*$/iu;
const endsWithInitial = /^\p{L}{2,}.*[\s.]\p{Lu}\.?$/u;
const surnameParticle = /^(?:le|la|de|del|della|du|des|dos|das|da|di|van|von|der|den|ter|ten)\s/i;

/**
 * The names in an author line, as written, without repetition: “Neil Gaiman, Terry Pratchett” are two, “Tolkien,
 * J. R. R.” and “Le Guin, Ursula K.” are one each, because what stands before the comma is a surname. Roles in
 * brackets, as “(Illustrator)”, and years of life are left out.
 */
export function splitAuthors(line: string): readonly string[] {
  if (!mayChange.test(line)) return [line];
  return [...new Set(line.split(separators).flatMap(splitAtCommas))];
}

/**
 * A key that is equal for all spellings of one author's name: surname first or last, initials with or without dots,
 * with or without “Jr.” Other words that tell people of one name apart stay: “Sr.”, “III”, “père”, “the Elder”.
 * `''` for a name without a word.
 */
export function authorKey(name: string): string {
  if (simpleName.test(name)) return name.toLowerCase();
  if (!/[,([（]/.test(name)) return withoutJunior(wholeWords(name)).join(' ');
  const generation: string[] = [];
  const written = name.replaceAll(inBrackets, (bracket, text: string) => {
    if (!isGeneration(text)) return bracket;
    generation.push(text);
    return '';
  });
  const [surname = '', given = '', ...rest] = written.split(',').filter((part, at) => {
    if (at > 0 && isGeneration(part)) generation.push(part);
    return at === 0 || !(isGeneration(part) || degree.test(part.trim()));
  });
  return withoutJunior(wholeWords([given, surname, ...rest, ...generation].join(' '))).join(' ');
}

/** Whether a part of a name says which of several people it is: “Jr.”, “père”, “the Elder”. */
export function isGeneration(part: string): boolean {
  const word = foldText(part).replaceAll('.', '').trim();
  return generations.has(word.replace(/^(?:the|der|de|il|el|le) /, ''));
}

/** Leaves out “Jr.”, because many lists leave it out. */
function withoutJunior(words: readonly string[]): readonly string[] {
  const last = words.at(-1)!;
  if (words.length < 2) return words;
  if (last === 'jr' || last === 'junior') return words.slice(0, -1);
  if (last === 'senior') return [...words.slice(0, -1), 'sr'];
  if (last !== 'elder' && last !== 'younger') return words;
  return words.filter((word, at) => word !== 'the' || at !== words.length - 2);
}

/** The keys of all names in an author line. */
export function authorKeys(line: string): readonly string[] {
  return [...new Set(splitAuthors(line).map(authorKey))].filter((key) => key !== '');
}

function splitAtCommas(text: string): readonly string[] {
  const parts: string[] = [];
  for (const written of text.split(',')) {
    const part = written.replace(role, '').trim() || written.trim();
    if (part === '' || years.test(part)) continue;
    if (parts.length > 0 && (isGeneration(part) || degree.test(part))) parts.push(`${parts.pop()!}, ${part}`);
    else parts.push(part);
  }
  if (parts.length < 2 || parts.length % 2 === 1) return parts;
  const pairs = parts.flatMap((part, at) => (at % 2 === 0 ? [[part, parts[at + 1]!] as const] : []));
  return pairs.every(([ahead, behind]) => isTurned(ahead, behind)) ? pairs.map((pair) => pair.join(', ')) : parts;
}

/** Whether “ahead, behind” is one name with its surname first. */
function isTurned(ahead: string, behind: string): boolean {
  if (isUnspaced(ahead) && isUnspaced(behind)) return false;
  const isFullName = (name: string): boolean => /\S\s+\S/.test(name);
  if (!isFullName(ahead) || !isFullName(behind)) return true;
  return surnameParticle.test(ahead) || endsWithInitial.test(behind);
}

/**
 * Any ISBN as ISBN-13 (ISO 2108), digits only. Hyphens and spaces are dropped. An ISBN-10 that a spreadsheet read as a
 * number gets its leading zeros back. `null` when the text is not an ISBN or its check digit is wrong.
 */
export function toIsbn13(text: string): string | null {
  const digits = text.replace(/[\s\p{Pd}]/gu, '').toUpperCase();
  if (/^97[89]\d{10}$/.test(digits)) return checkDigit13(digits) === digits.at(-1) ? digits : null;
  if (!/^\d{6,9}[\dX]$/.test(digits)) return null;
  const isbn10 = digits.padStart(10, '0');
  if (!isIsbn10(isbn10) || /^0{9}/.test(isbn10)) return null;
  const body = `978${isbn10.slice(0, 9)}`;
  return body + checkDigit13(body);
}

function checkDigit13(digits: string): string {
  let sum = 0;
  for (let at = 0; at < 12; at++) sum += Number(digits[at]) * (at % 2 === 0 ? 1 : 3);
  return String((10 - (sum % 10)) % 10);
}

function isIsbn10(digits: string): boolean {
  let sum = 0;
  for (let at = 0; at < 10; at++) sum += (digits[at] === 'X' ? 10 : Number(digits[at])) * (10 - at);
  return sum % 11 === 0;
}

const named =
  'af ar bg bn ca cs cy da de el en es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja ka kn ko la lt lv mk ml mr ms nl no pa pl pt ro ru sa sk sl sq sr sv ta te th tl tr uk ur vi yi zh';
let byName: ReadonlyMap<string, string> | null = null;

/**
 * The language of a tag or name, without region and script: `en` for “eng”, “en-GB” and “English”, `de` for “Deutsch”.
 * Anything else is returned in lower case.
 */
export function languageOf(text: string): string {
  const name = text.trim().toLowerCase();
  byName ??= languageNames();
  const known = byName.get(name);
  if (known !== undefined) return known;
  try {
    return new Intl.Locale(name.replaceAll('_', '-')).language;
  } catch {
    return name;
  }
}

function languageNames(): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const english = new Intl.DisplayNames('en', { type: 'language' });
  for (const tag of named.split(' ')) {
    const own = new Intl.DisplayNames(tag, { type: 'language' });
    for (const name of [own.of(tag), english.of(tag)]) if (name !== undefined) names.set(name.toLowerCase(), tag);
  }
  return names;
}
