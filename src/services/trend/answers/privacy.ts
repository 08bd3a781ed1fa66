import type { Book } from '../../../events/book.ts';
import { functionWords } from '../../../text/function-words.ts';
import { countingKey } from '../../../text/keys.ts';
import { cutWords, isUnspaced, wholeWords } from '../../../text/words.ts';

export type PrivacySettings = {
  /** So many different readers within 24 hours make any query everybody's. */
  readonly minimumReaders: number;
  /** Words and phrases that no shown query may contain, in any spelling with the same key. */
  readonly blockedWords: readonly string[];
};

export type QueryFacts = {
  /** Its commonest spelling. */
  readonly label: string;
  /** The spelling its latest answer used instead. */
  readonly corrected: string | null;
  /** The books of its latest answer. */
  readonly books: readonly Book[];
  /** Within the last 24 hours. */
  readonly distinctReaders: number;
};

/**
 * Private by default: the words a query may be shown under, or null when only operators may see it. It is shown when one
 * of the books it found contains all of its words, or all of the words it was corrected to: then it names a book, not a
 * person. Else it needs enough readers. What looks like a mail address or a telephone number is never shown.
 */
export function createPrivacyRule({
  minimumReaders,
  blockedWords,
}: PrivacySettings): (query: QueryFacts) => string | null {
  const blocked = blockedWords.map((word) => ` ${countingKey(word)} `).filter((word) => word.trim() !== '');
  const isNeverShown = (text: string): boolean => {
    const padded = ` ${countingKey(text)} `;
    return isMailLike(text) || isPhoneLike(text) || blocked.some((word) => padded.includes(word));
  };
  return ({ label, corrected, books, distinctReaders }) => {
    if (isNeverShown(label) || (corrected !== null && isNeverShown(corrected))) return null;
    const known = books.map(wordsOfBook);
    if (containedInOne(label, known)) return label;
    if (corrected !== null && containedInOne(corrected, known)) return corrected;
    return distinctReaders >= minimumReaders ? label : null;
  };
}

/** As people see it: compatible characters alike, without soft hyphens and what else takes no room. */
function visible(text: string): string {
  return text.normalize('NFKC').replace(/\p{Cf}+/gu, '');
}

function isMailLike(text: string): boolean {
  return /\S\s?@\s?\S/.test(visible(text));
}

/** Seven digits or more with nothing but a telephone number's separators between them; years side by side are none. */
function isPhoneLike(text: string): boolean {
  const runs = visible(text).match(/\p{Nd}(?:[\s().+/\p{Pd}]{0,3}\p{Nd}){6,}/gu) ?? [];
  return runs.some((run) => {
    const groups = run.split(/\P{Nd}+/u);
    return !groups.every((group) => /^(?:1\d|20)\d\d$/.test(group));
  });
}

const prefixLetters = 3;

/** Every word search finds the book by, and the whole runs of scripts without spaces. */
function wordsOfBook({ title, author, series, subjects, other_titles: otherTitles }: Book): ReadonlySet<string> {
  const texts = [title, author, series ?? '', ...(subjects ?? []), ...(otherTitles ?? [])];
  return new Set(
    texts.flatMap((text) => [...cutWords(text).map(({ word }) => word), ...wholeWords(text).filter(isUnspaced)]),
  );
}

function containedInOne(query: string, books: readonly ReadonlySet<string>[]): boolean {
  const all = countingKey(query).split(' ');
  const telling = all.filter((word) => !functionWords.has(word));
  const wanted = telling.length === 0 ? all : telling;
  return books.some((book) => wanted.every((word) => isContained(word, book)));
}

/** A possessive or plural is contained where its word is. */
function isContained(word: string, book: ReadonlySet<string>): boolean {
  if (book.has(word) || (word.endsWith('s') && book.has(word.slice(0, -1)))) return true;
  if (isUnspaced(word)) return [...book].some((known) => known.includes(word));
  return Array.from(word).length >= prefixLetters && [...book].some((known) => known.startsWith(word));
}
