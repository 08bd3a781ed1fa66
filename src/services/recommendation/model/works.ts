import type { Book } from '../../../events/book.ts';
import { authorKeys, toIsbn13 } from '../../../text/authors-and-isbn.ts';
import { withoutArticle } from '../../../text/english-words.ts';
import { identityKey, wholeWords } from '../../../text/words.ts';

/**
 * Which books are editions of one work. It depends only on the present books, not on the order in which they arrived.
 * Books are numbered from 0.
 */
export type Works = {
  /**
   * Adds a book, replaces it, or takes it out with `null`.
   * @returns the books whose work may have changed, each with its work: the first of its editions.
   */
  readonly put: (number: number, book: Book | null) => ReadonlyMap<number, number>;
  readonly editionsOf: (number: number) => readonly number[];
};

/** @param orderOf decides which edition is the first. */
export function createWorks(orderOf: (number: number) => number): Works {
  const identities: (WorkIdentity | undefined)[] = [];
  /** Lists, because most have one book, and a set with one element takes four times the memory. */
  const booksBy = new Map<string, readonly number[]>();

  const keysOf = ({ keys, isbn }: WorkIdentity): readonly string[] =>
    isbn === null ? keys : [...keys, `isbn ${isbn}`];
  const index = (number: number, identity: WorkIdentity): void => {
    while (identities.length < number) identities.push(undefined);
    identities[number] = identity;
    for (const key of keysOf(identity)) booksBy.set(key, [...(booksBy.get(key) ?? []), number]);
  };
  const remove = (number: number): void => {
    for (const key of keysOf(identities[number] ?? { keys: [], volume: '', isbn: null })) {
      const left = (booksBy.get(key) ?? []).filter((one) => one !== number);
      if (left.length === 0) booksBy.delete(key);
      else booksBy.set(key, left);
    }
    if (identities[number] !== undefined) identities[number] = undefined;
  };
  /**
   * Books that share a key with this one. If there are different volumes, a book without a number belongs to none of
   * them.
   */
  const besides = (number: number): readonly number[] => {
    const identity = identities[number];
    if (identity === undefined) return [];
    return keysOf(identity).flatMap((key) => {
      const books = booksBy.get(key) ?? [];
      const volumes = new Set(books.map((book) => identities[book]!.volume).filter((volume) => volume !== ''));
      if (volumes.size < 2) return books;
      return books.filter((book) => identities[book]!.volume === identity.volume);
    });
  };
  const findEditions = (number: number): readonly number[] => {
    const found = new Set([number]);
    for (const book of found) for (const other of besides(book)) found.add(other);
    return [...found].sort((one, other) => orderOf(one) - orderOf(other));
  };
  const editions = new Map<number, readonly number[]>();
  const editionsOf = (number: number): readonly number[] => editions.get(number) ?? [number];
  /** The books around this one, including those whose relation depends on this book. */
  const around = (number: number): readonly number[] => {
    const identity = identities[number];
    return identity === undefined ? [] : keysOf(identity).flatMap((key) => booksBy.get(key) ?? []);
  };

  return {
    editionsOf,
    put: (number, book) => {
      const before = [...around(number), ...editionsOf(number)];
      remove(number);
      if (book !== null) index(number, workIdentity(book));
      const works = new Map<number, number>();
      for (const one of [...before, number, ...around(number)].flatMap(findEditions)) {
        if (works.has(one)) continue;
        const found = findEditions(one);
        works.set(one, found[0]!);
        if (found.length === 1) editions.delete(one);
        else editions.set(one, found);
      }
      return works;
    },
  };
}

/** What decides which work a book is an edition of. */
type WorkIdentity = {
  /** Editions share one of these: a title with an author and a form. */
  readonly keys: readonly string[];
  /** The volume, part or number in a series; `''` for none. Editions have the same one. */
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
/** The form that comics use: “Harbour, Vol. 2: The Storm”. */
const volumeAhead = /^(.+?)[\s,:]+vol(?:ume)?\.?\s*(\d+)\s*(?::|[–—-]\s|$)/i;
const seriesField = /^(.*?)[\s,]*(?:#|\bvol(?:ume)?\.?|\bbook)?\s*(\d+(?:\.\d+)?)\s*$/i;
const words = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];
const roman = ['', 'i', 'ii', 'iii', 'iv', 'v', 'vi', 'vii', 'viii', 'ix', 'x'];

/**
 * Two editions of one work have the same whole title and one full author name in common. An article at the end of the
 * title and an empty subtitle such as “a novel” do not count. A different volume, part or form is another work. So is a
 * book that has the same title only before a colon.
 */
function workIdentity(book: Book): WorkIdentity {
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

/** A book's place in its series; `null` when it is in none, or its number is not known. */
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
  return withoutArticle(identityKey(whole.replace(turnedArticle, '$2 $1')));
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
