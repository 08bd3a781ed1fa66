import type { Book } from '../../../events/book.ts';
import { functionWords } from '../../../text/english-words.ts';
import { countingKey, cutWords, isUnspaced, wholeWords } from '../../../text/words.ts';
import type { Spelling } from '../store/tally.ts';
import type { QueryDescription } from '../store/trend-store.ts';

export type PrivacySettings = {
  /** A query with this many readers from as many places within 24 hours may be shown. */
  readonly minimumReaders: number;
  /** Words and phrases that no shown query may contain, in any spelling that has the same key. */
  readonly blockedWords: readonly string[];
  /** False in open mode: then a spelling of a single reader is shown. Default: always true. */
  readonly isPublic?: () => boolean;
};

export type QueryFacts = Pick<
  QueryDescription,
  'key' | 'spellings' | 'spellingReaders' | 'corrected' | 'distinctReaders'
> & {
  /** The books of the query's latest answer. */
  readonly books: readonly Book[];
  /** Bits of the places it was searched from within 24 hours. */
  readonly places: number;
};

/** What may be shown of a query. */
export type ShownQuery = {
  readonly label: string;
  /** Whether a book contains its words. If not, its figures are rounded and less of it is shown. */
  readonly namesBook: boolean;
  /** Whether too few readers searched for it. Then only operators see it, until they pin it. */
  readonly isHidden: boolean;
};

/** A spelling is shown when it comes from this many places. */
const spellingPlaces = 3;
/** No query needs more places than this: there are only 30, and two readers may share one. */
const mostPlaces = 20;

/**
 * Decides whether a query may be shown, and with which words. It is shown when one of the books found has all its
 * words, or all of its correction: then it names a book, not a person. Function words do not count. From three letters
 * on, the beginning of a word of the book is enough. Any other query is hidden until enough readers from as many places
 * search for it. A mail address, a telephone number and what contains a blocked word are never shown: `null`.
 */
export function createPrivacyRule(settings: PrivacySettings): (query: QueryFacts) => ShownQuery | null {
  const { minimumReaders, blockedWords, isPublic = () => true } = settings;
  const blocked = blockedWords.map((word) => ` ${countingKey(word)} `).filter((word) => word.trim() !== '');
  const words = new WeakMap<Book, ReadonlySet<string>>();
  /**
   * Remembers the words of books: a query mostly finds the same books again, and cutting their words is most of the
   * work.
   */
  const rememberedWords = (book: Book): ReadonlySet<string> => {
    const known = words.get(book) ?? wordsOfBook(book);
    words.set(book, known);
    return known;
  };
  const isNeverShown = (text: string): boolean => {
    const padded = ` ${countingKey(text)} `;
    return isMailLike(text) || isPhoneLike(text) || blocked.some((word) => padded.includes(word));
  };
  return (query) => {
    const { corrected, books, distinctReaders, places } = query;
    const label = labelOf(query, !isPublic());
    if (isNeverShown(label) || isNeverShown(query.key) || (corrected !== null && isNeverShown(corrected))) return null;
    const known = books.map(rememberedWords);
    if (containedInOne(label, known)) return { label, namesBook: true, isHidden: false };
    if (corrected !== null && containedInOne(corrected, known))
      return { label: corrected, namesBook: true, isHidden: false };
    const isCommon =
      distinctReaders['24h'] >= minimumReaders && countPlaces(places) >= Math.min(minimumReaders, mostPlaces);
    return { label, namesBook: false, isHidden: !isCommon };
  };
}

/** Whether an operator has muted a query, or the words that it is shown with, such as its correction. */
export function isMuted(muted: ReadonlySet<string>, key: string, { label }: Pick<ShownQuery, 'label'>): boolean {
  return muted.has(key) || (muted.size > 0 && muted.has(countingKey(label)));
}

/**
 * The most frequent spelling of a query among those that may be shown; ties in code point order. The spelling that
 * equals the key is not among `spellings`: the readers who are in none of them used it. It may always be shown.
 * @param fromAnyPlace shows a spelling however few places it comes from.
 */
export function labelOf(
  { key, spellings, spellingReaders }: Pick<QueryFacts, 'key' | 'spellings' | 'spellingReaders'>,
  fromAnyPlace: boolean,
): string {
  const mayShow = ({ label, places }: Spelling): boolean =>
    (fromAnyPlace || countPlaces(places) >= spellingPlaces) && !disguise.test(label);
  const ofKey = spellings.reduce((left, one) => left - one.readers, spellingReaders);
  return [...spellings.filter(mayShow), { label: key, readers: ofKey }].reduce((first, one) => {
    if (one.readers !== first.readers) return one.readers > first.readers ? one : first;
    return Buffer.compare(Buffer.from(one.label), Buffer.from(first.label)) < 0 ? one : first;
  }).label;
}

/** Format characters, stacked marks and runs of signs: they can hide what a text says. */
const disguise = /\p{Cf}|\p{M}{3}|[\p{P}\p{S}]{4}/u;

export function countPlaces(places: number): number {
  let count = 0;
  for (let left = places; left !== 0; left &= left - 1) count++;
  return count;
}

/** The text as people see it: compatible characters are equal, and invisible ones such as soft hyphens are left out. */
function visible(text: string): string {
  return text.normalize('NFKC').replace(/\p{Cf}+/gu, '');
}

function isMailLike(text: string): boolean {
  return /\S\s?@\s?\S/.test(visible(text));
}

/** Seven digits or more, separated only as in telephone numbers. A list of years does not count. */
function isPhoneLike(text: string): boolean {
  const runs = visible(text).match(/\p{Nd}(?:[\s().+/\p{Pd}]{0,3}\p{Nd}){6,}/gu) ?? [];
  return runs.some((run) => {
    const groups = run.split(/\P{Nd}+/u);
    return !groups.every((group) => /^(?:1\d|20)\d\d$/.test(group));
  });
}

const prefixLetters = 3;

/** Every word by which search finds the book, and whole runs of scripts without spaces. */
function wordsOfBook({ title, author, series, subjects, other_titles: otherTitles }: Book): ReadonlySet<string> {
  const texts = [title, author, series ?? '', ...(subjects ?? []), ...(otherTitles ?? [])];
  return new Set(
    texts.flatMap((text) => [...cutWords(text).map(({ word }) => word), ...wholeWords(text).filter(isUnspaced)]),
  );
}

function containedInOne(query: string, books: readonly ReadonlySet<string>[]): boolean {
  const wanted = tellingWords(query);
  return books.some((book) => wanted.every((word) => isContained(word, book)));
}

function tellingWords(query: string): readonly string[] {
  const all = countingKey(query).split(' ');
  const telling = all.filter((word) => !functionWords.has(word));
  return telling.length === 0 ? all : telling;
}

/** Whether the book has the word, its singular, or a word that begins with it. */
function isContained(word: string, book: ReadonlySet<string>): boolean {
  if (book.has(word) || (word.endsWith('s') && book.has(word.slice(0, -1)))) return true;
  if (isUnspaced(word)) return [...book].some((known) => known.includes(word));
  return Array.from(word).length >= prefixLetters && [...book].some((known) => known.startsWith(word));
}

/**
 * Whether all words of a query, except function words, are whole words of a book's title, other titles, author or
 * series.
 */
export function standsIn(query: string, { title, author, series, other_titles: otherTitles }: Book): boolean {
  const text = [title, author, series ?? '', ...(otherTitles ?? [])].join(' \n ');
  const words = new Set(cutWords(text).map(({ word }) => word));
  return tellingWords(query).every((word) => words.has(word));
}
