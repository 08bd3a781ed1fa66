import { Parser } from 'htmlparser2';
import { createLruMap } from '../../../../../runtime/lru-map.ts';
import { isGeneration, splitAuthors, toIsbn13 } from '../../../../../text/authors-and-isbn.ts';
import { isBlank } from '../../../../../text/words.ts';
import { bookLimits, cutTo, oneLine, paragraphs, toLanguage, toPublishedAt } from '../../book-fields.ts';

/** What a cell of a list says: a value, nothing (`null`), or something that cannot be read. */
export type ListedValue<Value> = Value | null | 'unreadable';

/** What programs write where they have nothing. */
const placeholders = /^(?:\\n|null|\(null\)|nil|nan|none|undefined|n\/a|#n\/a|#value!|-+|\?+|\[\]|\{\})$/i;

/** The cell's text in one line, HTML entities decoded; '' for what programs write where they have nothing. */
export function cellText(cell: string): string {
  if (cell === '') return '';
  const text = oneLine(decodeEntities(cell));
  return text.length <= longestPlaceholder && placeholders.test(text) ? '' : text;
}

const longestPlaceholder = 12;

/** As `cellText` for titles: a book may be called “None”. */
export function titleText(cell: string): string {
  const text = oneLine(decodeEntities(cell));
  return isBlank(text) || /^\\n$/i.test(text) ? '' : text;
}

/** Plain text with its paragraphs; tags of HTML are left out, with what they hold of scripts and styles. */
export function readDescription(cell: string): string | null {
  if (isNothing(cell)) return null;
  const text = cutTo(
    paragraphs(cell.includes('<') && /<[a-z!/][^<>]*>/i.test(cell) ? htmlText(cell) : decodeEntities(cell)),
    most,
  );
  return text === '' ? null : text;
}

/** Whether a text of any length says nothing. */
export function isNothing(cell: string): boolean {
  return cell.length <= longestPlaceholder && cellText(cell) === '';
}

const most = bookLimits.descriptionLength;
const breaks = /^(?:p|div|br|li|ul|ol|h[1-6]|tr|table|blockquote|section|article|hr|pre)$/;

function decodeEntities(text: string): string {
  return text.includes('&') && /&(?:#\d+|#x[\da-f]+|[a-z]+\d*);/i.test(text)
    ? htmlText(text.replaceAll('<', '&lt;'))
    : text;
}

function htmlText(html: string): string {
  let text = '';
  let hidden = 0;
  const parser = new Parser(
    {
      ontext: (some) => {
        if (hidden === 0) text += some;
      },
      onopentagname: (name) => {
        if (name === 'script' || name === 'style') hidden++;
        if (breaks.test(name)) text += '\n';
      },
      onclosetag: (name) => {
        if (name === 'script' || name === 'style') hidden--;
        if (name === 'p') text += '\n';
        else if (breaks.test(name) && !text.endsWith('\n')) text += '\n';
      },
    },
    { decodeEntities: true },
  );
  parser.end(html);
  return text
    .replaceAll('\u00a0', ' ')
    .replaceAll(/[ \t]*\n[ \t]*/g, '\n')
    .replaceAll(/\n{3,}/g, '\n\n');
}

/** A title, and the series that some lists append to it: `Twilight (Twilight, #1)` → `Twilight`, `Twilight #1`. */
export function splitTitle(text: string): { readonly title: string; readonly series: string | null } {
  const [, title, series, number] = /^(.+?)\s*\(([^()#]+?),?\s*#([^()]+)\)$/.exec(text) ?? [];
  if (title === undefined || series === undefined || number === undefined) return { title: text, series: null };
  return { title, series: numbered(series, number) };
}

/** `Northlights`, `2.0` → `Northlights #2`. Lists of numbers are ids of series, not their names. */
export function readSeries(name: string, number: string): string | null {
  if (name === '' || /^[\d\s,;]+$/.test(name)) return null;
  return /#\s*[\d.]+$/.test(name) ? cutTo(name, bookLimits.seriesLength) : numbered(name, number);
}

function numbered(series: string, number: string): string {
  const text = number.trim().replace(/\.0+$/, '');
  return cutTo(text === '' || text === '0' ? series : `${series} #${text}`, bookLimits.seriesLength);
}

/**
 * The first ISBN that is valid, in the cells of a row from left to right. A rounded one (`9.78E+12`) cannot be read.
 */
export function readIsbn(cells: readonly string[]): ListedValue<string> {
  let isUnreadable = false;
  for (const cell of cells) {
    const parts = cell.split(/[,;|]+|\s+(?=[a-z])/i);
    for (const part of [...parts, ...parts.flatMap((one) => one.trim().split(/\s+/))]) {
      const text = part
        .replaceAll(/[="'[\]()]|\bisbn(?:[-_ ]?1[03])?[:\s]*/gi, '')
        .replace(/\.0+$/, '')
        .trim();
      const isbn = toIsbn13(text);
      if (isbn !== null) return isbn;
      // What is no number is the id of something else.
      isUnreadable ||= /^[\d\s.,+-]+x?$/i.test(text)
        ? !/^(\d)\1{7,}$|^0+$/.test(text)
        : /^\d(?:[.,]\d+)?e\+?\d+$/i.test(text);
    }
  }
  return isUnreadable ? 'unreadable' : null;
}

/** `2008`, `2008.0`, `-720.0`, `720 BC`, `2008-05-01T00:00:00Z`, `9/16/2006`, `May 1, 2008`, `c. 1850`. */
export function readPublished(text: string, thisYear: number): ListedValue<string> {
  const date = text.replace(/\.0+$/, '').replace(/[T ]\d\d?:[\d:.]+(?:Z|[+-]\d\d:?\d\d)?$/, '');
  if (date === '' || /^[-+]?0+(?:[-/.]0+)*$/.test(date) || date.startsWith('0101-01-01')) return null;
  const digits = /^([12]\d{3})(\d\d)(\d\d)$/.exec(date);
  if (digits !== null) return readPublished(digits.slice(1).join('-'), thisYear);
  const [, before] = /^(?:c(?:a|irca)?\.?\s*)?(\d{1,4})\s*b\.?\s?c\.?(?:e\.?)?$/i.exec(date) ?? [];
  const exact = toPublishedAt(before === undefined ? date.replaceAll('/', '-') : `-${Number(before)}`);
  if (exact !== null) return isYear(exact, thisYear) ? exact : 'unreadable';
  const years = [...new Set(date.match(/(?<!\d)[12]\d{3}(?!\d)/g) ?? [])].filter((year) => isYear(year, thisYear));
  if (years.length === 1) return years[0]!;
  const [, month, day, year] = /^(\d{1,2})\/(\d{1,2})\/(\d\d)$/.exec(date) ?? [];
  if (year === undefined || Number(month) > 31 || Number(day) > 31) return 'unreadable';
  const inThisCentury = Math.floor(thisYear / 100) * 100 + Number(year);
  return String(inThisCentury > thisYear ? inThisCentury - 100 : inThisCentury);
}

/** Books are announced some years ahead, not more. */
function isYear(date: string, thisYear: number): boolean {
  return Number(/^-?\d+/.exec(date)?.[0]) <= thisYear + 5;
}

/**
 * ISO 639-1 where it has the language, without region or script, from a tag (`eng`, `en-US`) or an English or own name;
 * of several languages the first. What is no known language stays as it is written.
 */
export function readLanguage(cells: readonly string[]): string | null {
  let unknown: string | null = null;
  for (const part of cells.flatMap((cell) => cell.split(/[,;|/]+/))) {
    const text = cellText(part.replaceAll(/[[\]'"]/g, ''));
    if (text === '' || /^(?:mul|und|zxx|mis|unknown|undetermined|multiple languages)$/i.test(text)) continue;
    const language = knownLanguage(text);
    if (language !== null) return language;
    unknown ??= cutTo(text, 40);
  }
  return unknown;
}

/** A list names few languages, in as many rows as it has. */
const languages = createLruMap<string, string | null>(500);

/** ISO 639-1 where it has the language; `null` for a text that is no known language. */
function knownLanguage(text: string): string | null {
  const known = languages.get(text);
  if (known !== undefined) return known;
  const name = text.replace(/\s*\(.*\)$/, '').toLowerCase();
  const tag = languagesByName().get(name) ?? toLanguage(text);
  const language = tag === null ? null : new Intl.Locale(tag).language;
  const found = language !== null && languageName(language) !== undefined ? language : null;
  languages.set(text, found);
  return found;
}

let english: Intl.DisplayNames | undefined;

/** In English. Made when a list has languages: it takes 7 MB. */
function languageName(tag: string): string | undefined {
  english ??= new Intl.DisplayNames('en', { type: 'language', fallback: 'none' });
  return english.of(tag);
}

let names: ReadonlyMap<string, string> | undefined;
const namedLanguages =
  'af am ar az be bg bn bo bs ca co cs cy da de el en eo es et eu fa fi fo fr fy ga gd gl grc gu he hi hr hu hy id is it ja jv ka kk km kn ko ku ky la lb lo lt lv mg mi mk ml mn mr ms mt my nb ne nl nn no oc or pa pl ps pt qu rm ro ru sa sd si sk sl so sq sr sv sw ta te tg th ti tk tl tr tt ug uk ur uz vi wo xh yi yo zh zu ig ha';

function languagesByName(): ReadonlyMap<string, string> {
  if (names === undefined) {
    const found = new Map<string, string>();
    for (const tag of namedLanguages.split(' ')) {
      const own = new Intl.DisplayNames(tag, { type: 'language', fallback: 'none' }).of(tag);
      for (const name of [languageName(tag), own]) if (name !== undefined) found.set(name.toLowerCase(), tag);
    }
    names = found.set('greek, ancient', 'grc').set('mandarin', 'zh').set('farsi', 'fa').set('castilian', 'es');
  }
  return names;
}

export function readPopularity(text: string): ListedValue<number> {
  if (text === '') return null;
  const digits = text.replaceAll(/[,_\s']/g, '').replace(/\.0*$/, '');
  return /^\d{1,12}$/.test(digits) ? Number(digits) : 'unreadable';
}

/** Lists, or text joined by `;` or `|`, else by commas, also in brackets. At most 20, without repetition. */
export function readSubjects(cells: readonly (string | readonly string[])[]): readonly string[] {
  const subjects = new Map<string, string>();
  for (const part of cells.flatMap((cell) => (typeof cell === 'string' ? splitList(cell) : cell))) {
    const subject = cutTo(cellText(part), bookLimits.subjectLength);
    const key = subject.toLowerCase();
    if (subject !== '' && !subjects.has(key) && subjects.size < bookLimits.subjects) subjects.set(key, subject);
  }
  return [...subjects.values()];
}

function splitList(text: string): readonly string[] {
  const quoted = quotedList(text);
  if (quoted !== null) return quoted;
  const list = text.replaceAll(/^\s*\[|\]\s*$/g, '');
  return list.split(/[;|]/.test(list) ? /[;|]/ : ',').map((part) => part.replaceAll(/^\s*["']|["']\s*$/g, ''));
}

/** `['A', "B'C"]` as programs print a list; `null` for anything else. */
function quotedList(text: string): readonly string[] | null {
  if (!/^\s*\[\s*["'].*["']\s*,?\s*\]\s*$/s.test(text)) return null;
  return Array.from(text.matchAll(/'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/gs), ([, single, double]) =>
    (single ?? double ?? '').replaceAll(/\\(.)/g, '$1'),
  );
}

const otherRole =
  /translat|illustrat|narrat|introduc|foreword|preface|afterword|contribut|cover|design|photo|read(?:er|\s?by)|perform|adapt|compil|edit|\beds?\b|traduc|übers|herausg|\bill\b|\btrans?\b|artist|annotat|compos|series creator/i;
const rolePattern = /\s*[([]([^)\]]*)[)\]]\s*$/;
const needsCutting = /[;|&/\n()[\]]|\d{3,4}|\sand\s/;

/**
 * The names of a book's authors in one line, as they are written. People with another part in the book (“(Translator)”,
 * “[Illustrator]”) are left out where there is an author; years of life always are.
 * @param cells text with one or more names, or lists of names.
 */
export function readAuthors(cells: readonly (string | readonly string[])[]): string {
  const lines = cells.flatMap((cell) => (typeof cell === 'string' ? (quotedList(cell) ?? [cell]) : cell)).map(cellText);
  const written = lines.filter((line) => line !== '');
  if (written.length === 1 && !needsCutting.test(written[0]!)) return fitAuthors(written[0]!.split(/(?<=,)\s*/), ' ');
  const people = written.flatMap(splitPeople);
  const authors = people.filter(({ isOther }) => !isOther);
  const names = (authors.length > 0 ? authors : people).flatMap(({ name }) => splitAuthors(name));
  const unique = [...new Set(names)];
  return fitAuthors(unique, unique.some((name) => name.includes(',')) ? '; ' : ', ');
}

type Person = { readonly name: string; readonly isOther: boolean };

/** Cut where names surely end, so that each role stands behind the name that it belongs to. */
function splitPeople(line: string): readonly Person[] {
  return line.split(/[;|\n]|(?<=[)\]])\s*,|\s&\s|\s\/\s/).flatMap((part): readonly Person[] => {
    const role = rolePattern.exec(part)?.[1] ?? '';
    if (isGeneration(role)) return [{ name: part.trim(), isOther: false }];
    const name = part.replace(rolePattern, '').trim();
    if (!otherRole.test(role)) return [{ name, isOther: false }];
    // “Ann Author, Tom Illustrator (Illustrator)”: the role is the last one's.
    const cut = name.lastIndexOf(',');
    const [ahead, last] = [name.slice(0, cut).trim(), name.slice(cut + 1).trim()];
    if (cut === -1 || !/\S\s+\S/.test(ahead) || !/\S\s+\S/.test(last)) return [{ name, isOther: true }];
    return [
      { name: ahead, isOther: false },
      { name: last, isOther: true },
    ];
  });
}

/** As many whole names as there is room for. */
function fitAuthors(names: readonly string[], separator: string): string {
  const author = names.join(separator);
  if (author.length <= bookLimits.authorLength) return author;
  let line = '';
  for (const name of names) {
    const longer = line === '' ? name : line + separator + name;
    if (longer.length >= bookLimits.authorLength) break;
    line = longer;
  }
  return line === '' ? cutTo(author, bookLimits.authorLength) : `${line.replace(/[,;]\s*$/, '')}…`;
}
