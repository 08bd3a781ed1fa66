import { isUnspaced, wholeWords } from './words.ts';

const separators = /[;|、，،؛\n]|\s\/\s|\/(?=\S+\s)|&|\s(?:and|with)\s/i;
const suffix = /^(?:jr|sr|ii|iii|iv|esq|ph\.?\s?d|m\.?d)\.?$/i;
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
  return [...new Set(line.split(separators).flatMap(splitAtCommas))];
}

/** Equal for one author's name, whichever way round it stands and however its initials are written; `''` without a word. */
export function authorKey(name: string): string {
  const [surname = '', given, ...rest] = name.split(',').map((part) => part.trim());
  if (given === undefined || suffix.test(given)) return wholeWords(surname).join(' ');
  return wholeWords([given, surname, ...rest.filter((part) => !suffix.test(part))].join(' ')).join(' ');
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
    if (suffix.test(part) && parts.length > 0) parts.push(`${parts.pop()!}, ${part}`);
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
