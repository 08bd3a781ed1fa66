import type { Book } from '../../../events/book.ts';
import { authorKeys, toIsbn13 } from '../../../text/fields.ts';
import { identityKey, wholeWords } from '../../../text/words.ts';

/** What decides of which work a book is an edition. */
export type WorkIdentity = {
  /** Editions share one of these: a title with an author and a form. */
  readonly keys: readonly string[];
  /** Of a volume, part or book of a series; editions have the same one, `''` stands for none. */
  readonly volume: string;
  readonly isbn: string | null;
};

/** A place in a series. */
export type SeriesPlace = { readonly series: string; readonly number: number };

const nobody = new Set([
  '',
  'anonymous',
  'anon',
  'various',
  'various authors',
  'unknown',
  'unknown author',
  'none',
  'n a',
]);
const emptySubtitle = /[:(–—-]\s*an?\s+(?:novel|novella|memoir|story|thriller|mystery|romance)\s*\)?\s*$/i;
const turnedArticle = /^(.*?),\s*(the|an?|le|la|les|l'|der|die|das|el|los|las|il)(?=\s*(?:$|[:(]))/i;
const inBrackets = /\s*\(([^()]*?),?\s*(?:#|book|bk\.?|vol(?:ume)?\.?|no\.?)\s*(\d+(?:\.\d+)?)[^()]*\)\s*$/i;
const numbered =
  /\b(?:vol(?:ume)?|part|book|tome|band|teil)\b\.?\s*(\d+|[ivx]+|one|two|three|four|five|six|seven|eight|nine|ten)\b|#\s*(\d+(?:\.\d+)?)/i;
const forms = /\b(?:graphic novel|screenplay|stage ?play|a play|the play)\b/i;
/** As comics have it: “Harbour, Vol. 2: The Storm”. */
const volumeAhead = /^(.+?)[\s,:]+vol(?:ume)?\.?\s*(\d+)\s*(?::|[–—-]\s|$)/i;
const seriesField = /^(.*?)[\s,]*(?:#|\bvol(?:ume)?\.?|\bbook)?\s*(\d+(?:\.\d+)?)\s*$/i;
const words = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];
const roman = ['', 'i', 'ii', 'iii', 'iv', 'v', 'vi', 'vii', 'viii', 'ix', 'x'];

/**
 * Two editions of one work have the same whole title, apart from an article put last and an empty subtitle such as
 * “a novel”, and one full author name in common. Another volume, part or form is another work. So is a book that only
 * has the same title before a colon.
 */
export function workIdentity(book: Book): WorkIdentity {
  const { author } = book;
  const titles = [book.title, ...otherTitles(book)];
  const form = forms.exec(book.title)?.[0].toLowerCase() ?? '';
  const authors = authorKeys(author).filter((key) => !nobody.has(key));
  const keys = titles.flatMap((title) => {
    const key = titleKey(title);
    return key === '' ? [] : authors.map((name) => `${key}\n${name}\n${form}`);
  });
  return { keys: [...new Set(keys)], volume: volumeOf(book), isbn: toIsbn13(book.isbn ?? '') };
}

/** Where a book stands in its series: `null` when it is in none, or its number is not known. */
export function seriesPlace({ title, series, author }: Book): SeriesPlace | null {
  const [, fieldName, fieldNumber] = seriesField.exec(series ?? '') ?? [];
  const [, titleName, titleNumber] = inBrackets.exec(title) ?? volumeAhead.exec(title) ?? [];
  const name = wholeWords(fieldName ?? titleName ?? '').join(' ');
  const number = Number(fieldNumber ?? titleNumber);
  if (name === '' || !Number.isFinite(number)) return null;
  return { series: `${name}\n${authorKeys(author)[0] ?? ''}`, number };
}

function otherTitles(book: Book): readonly string[] {
  const { other_titles: others } = book as { readonly other_titles?: unknown };
  return Array.isArray(others) ? others.filter((title): title is string => typeof title === 'string') : [];
}

function titleKey(title: string): string {
  const whole = title.replace(inBrackets, '').replace(emptySubtitle, '');
  const key = identityKey(whole.replace(turnedArticle, '$2 $1'));
  return key.replace(/^(?:the|an?) (?=.)/, '');
}

function volumeOf({ title, series }: Book): string {
  const inTitle = inBrackets.exec(title)?.[2];
  if (inTitle !== undefined) return inTitle;
  const said = numbered.exec(title);
  if (said !== null) return String(numeral(said[1] ?? said[2]!));
  return /#\s*(\d+(?:\.\d+)?)/.exec(series ?? '')?.[1] ?? '';
}

function numeral(text: string): number | string {
  const lower = text.toLowerCase();
  const known = Math.max(words.indexOf(lower), roman.indexOf(lower));
  return known > 0 ? known : lower;
}
