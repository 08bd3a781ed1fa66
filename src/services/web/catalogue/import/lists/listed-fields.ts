import { bookLimits, cutTo, oneLine, paragraphs, toLanguage, toPublishedAt } from '../../book-fields.ts';
import { toIsbn13 } from '../../../../../text/isbn.ts';

/** What a field of somebody else's list says: a value, nothing (`null`), or something that cannot be understood. */
export type ListedValue<Value> = Value | null | 'unusable';

/** A title, and the series some lists append to it: `Twilight (Twilight, #1)` → `Twilight`, `Twilight #1`. */
export function splitTitle(text: string): { title: string; series: string | null } {
  const [, title, series, number] = /^(.+?)\s*\(([^()#]+?),?\s*#([^()]+)\)$/.exec(text) ?? [];
  if (title === undefined || series === undefined || number === undefined) return { title: text, series: null };
  return { title, series: cutTo(`${series} #${number.trim()}`, bookLimits.seriesLength) };
}

/** The first of several cells with a valid ISBN; numbers a spreadsheet rounded (`9.78E+12`) say nothing. */
export function readIsbn(cells: readonly string[]): ListedValue<string> {
  let unusable = false;
  for (const cell of cells) {
    const text = cell.replaceAll(/[="']/g, '').replace(/\.0$/, '');
    const isbn = toIsbn13(text);
    if (isbn !== null) return isbn;
    unusable ||= text !== '' && !/^\d(?:\.\d+)?e\+?\d+$/i.test(text);
  }
  return unusable ? 'unusable' : null;
}

/** `2008`, `2008.0`, `-720.0`, `2008-05-01T00:00:00Z`, `May 1, 2008`, `c. 1850`; the year 0 means unknown. */
export function readPublished(text: string): ListedValue<string> {
  const date = text.replace(/\.0+$/, '').replace(/T[\d:.]+(?:Z|[+-]\d\d:?\d\d)?$/, '');
  if (date === '' || /^[-+]?0+$/.test(date)) return null;
  const exact = toPublishedAt(date);
  if (exact !== null) return exact;
  const years = date.match(/(?<!\d)[12]\d{3}(?!\d)/g) ?? [];
  return years.length === 1 ? years[0] : 'unusable';
}

/** The language alone, without region or script, by tag (`eng`, `en-US`) or English name. */
export function readLanguage(text: string): ListedValue<string> {
  if (text === '') return null;
  const named = languageByName().get(text.toLowerCase());
  const tag = named ?? toLanguage(text);
  if (tag === null) return 'unusable';
  const language = new Intl.Locale(tag).language;
  return ['mul', 'und', 'zxx', 'mis'].includes(language) ? null : language;
}

let languageNames: ReadonlyMap<string, string> | undefined;
const namedLanguages =
  'af ar bg bn ca cs cy da de el en es et eu fa fi fr ga gl he hi hr hu hy id is it ja ka ko la lt lv mk ms nl no pl pt ro ru sa sk sl sq sr sv ta th tl tr uk ur vi yi zh';

function languageByName(): ReadonlyMap<string, string> {
  if (languageNames === undefined) {
    const names = new Intl.DisplayNames('en', { type: 'language' });
    languageNames = new Map(namedLanguages.split(' ').map((tag) => [(names.of(tag) ?? tag).toLowerCase(), tag]));
  }
  return languageNames;
}

export function readPopularity(text: string): ListedValue<number> {
  if (text === '') return null;
  const digits = text.replaceAll(/[,_\s]/g, '').replace(/\.0*$/, '');
  return /^\d{1,12}$/.test(digits) ? Number(digits) : 'unusable';
}

/** A list, or text joined by `;` or `|`, else by commas, also in brackets. At most 20, none twice. */
export function readSubjects(cell: string | readonly string[]): readonly string[] {
  const subjects = new Map<string, string>();
  for (const part of typeof cell === 'string' ? splitSubjects(cell) : cell) {
    const subject = cutTo(oneLine(part), bookLimits.subjectLength);
    const key = subject.toLowerCase();
    if (subject !== '' && !subjects.has(key) && subjects.size < bookLimits.subjects) subjects.set(key, subject);
  }
  return [...subjects.values()];
}

function splitSubjects(text: string): readonly string[] {
  const list = text.replaceAll(/^\s*\[|\]\s*$/g, '');
  const separator = /[;|]/.test(list) ? /[;|]/ : ',';
  return list.split(separator).map((part) => part.replaceAll(/^\s*["']|["']\s*$/g, ''));
}

/** As many whole names as there is room for. */
export function readAuthor(text: string): string {
  const author = oneLine(text);
  if (author.length <= bookLimits.authorLength) return author;
  const cut = author.slice(0, bookLimits.authorLength - 1);
  const lastName = Math.max(cut.lastIndexOf(','), cut.lastIndexOf(';'));
  return lastName > 0 ? `${cut.slice(0, lastName)}…` : cutTo(author, bookLimits.authorLength);
}

export function readDescription(text: string): string | null {
  const description = cutTo(paragraphs(text), bookLimits.descriptionLength);
  return description === '' ? null : description;
}
