import { distance } from 'fastest-levenshtein';
import { authorKey, splitAuthors } from '../../../text/authors-and-isbn.ts';
import { withoutArticle } from '../../../text/english-words.ts';
import { identityKey, isUnspaced } from '../../../text/words.ts';
import type { BookContent } from './stored-book.ts';

/** Raise it with every change to `titleKey`: catalogues then bring their stored keys up to date before an import. */
export const titleKeyVersion = 3;

/**
 * The key by which books of two lists are compared when neither id nor ISBN helps: the title without its leading
 * article, the first author and the year, folded by `identityKey`. Stored with every book.
 */
export function titleKey(book: Partial<BookContent> & { readonly title: string }): string {
  const author = authorKey(splitAuthors(book.author ?? '')[0] ?? '').replaceAll(' ', '');
  const year = /^-?\d+/.exec(book.published_at ?? '')?.[0] ?? '';
  return `${bareTitle(book.title)}|${author}|${year === '' ? '' : Number(year)}`;
}

function bareTitle(title: string): string {
  return withoutArticle(identityKey(title));
}

/** Titles as lists write them, and as they are compared. */
export type BareTitles = Map<string, string>;

type Titled = Pick<BookContent, 'title'> & Partial<Pick<BookContent, 'series' | 'other_titles'>>;

/**
 * Whether these can be the same book, when two lists give them the same ISBN or id. It is so when a title (or other
 * title) of one contains a title of the other, or differs from it by a typing error. If both have a volume number, the
 * numbers must be equal.
 * @param known a cache of bare titles, for a caller that compares one book with many.
 */
export function mayBeSameBook(one: Titled, other: Titled, known: BareTitles = new Map()): boolean {
  if (one.title === other.title && (one.series ?? null) === (other.series ?? null)) return true;
  const [volume, otherVolume] = [volumeOf(one), volumeOf(other)];
  if (volume !== null && otherVolume !== null && volume !== otherVolume) return false;
  const titles = titlesOf(other, known);
  return titlesOf(one, known).some((title) => titles.some((candidate) => isLike(title, candidate)));
}

function titlesOf({ title, other_titles: others = [] }: Titled, known: BareTitles): readonly string[] {
  return [title, ...others].map((written) => {
    const bare = known.get(written) ?? bareTitle(written);
    known.set(written, bare);
    return bare;
  });
}

function isLike(one: string, other: string): boolean {
  const [short, long] = one.length <= other.length ? [one, other] : [other, one];
  if (isUnspaced(short) ? long.includes(short) : ` ${long} `.includes(` ${short} `)) return true;
  const slips = long.length < 5 ? 0 : long.length < 12 ? 1 : 2;
  if (long.length - short.length > slips || digitsOf(one) !== digitsOf(other)) return false;
  return distance(one, other) <= slips;
}

function digitsOf(text: string): string {
  return text.replaceAll(/[^\p{N}]/gu, '');
}

/** The number of a volume, from the series (`Northlights #2`) or the title (`Poems, vol. II`, `Poems 2`). */
function volumeOf({ title, series }: Titled): number | null {
  const inSeries = /#\s*(\d+)/.exec(series ?? '')?.[1];
  const named = /\b(?:vol(?:ume)?|book|part|band|tome|tomo|bd|no|nr)\b\.?\s*(\d+|[ivx]+)\b/i.exec(title)?.[1];
  const volume = inSeries ?? named ?? /\S\s+#?(\d{1,2})$/.exec(title)?.[1];
  if (volume === undefined) return null;
  return /^\d+$/.test(volume) ? Number(volume) : romanNumber(volume.toLowerCase());
}

function romanNumber(text: string): number {
  const values: Readonly<Record<string, number>> = { i: 1, v: 5, x: 10 };
  const digits = Array.from(text, (letter) => values[letter] ?? 0);
  return digits.reduce((sum, digit, at) => sum + (digit < (digits[at + 1] ?? 0) ? -digit : digit), 0);
}
