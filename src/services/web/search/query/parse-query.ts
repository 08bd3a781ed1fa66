import { toIsbn13 } from '../../../../text/authors-and-isbn.ts';
import { cutWords, isUnspaced } from '../../../../text/words.ts';
import type { Slot } from '../index/slots.ts';

export type QueryWord = {
  readonly word: string;
  /** Words that begin with it match, too: the last word may be unfinished. */
  readonly prefix: boolean;
  /** `author` after `author:`: only authors may match. `null`: any field. */
  readonly only: 'author' | null;
};

/** What a reader asked for. Nothing they type is a command for the database; everything is read as words. */
export type ParsedQuery = {
  /** As typed, trimmed; `''` when nothing was. */
  readonly text: string;
  /** ISBN-13 when the query is an ISBN, else `null`. `words` then has its digits, too. */
  readonly isbn: string | null;
  /** Each word once, in the order typed; empty when the query has no letter or digit. */
  readonly words: readonly QueryWord[];
  /** All words in the order typed, repeated ones too, one space between them. */
  readonly phrase: string;
};

const mostWords = 32;
const authorPrefix = /(?:^|\s)author:\s*(?:["“](?<quoted>[^"“”]*)["”]|(?=\S))/iu;

/**
 * Cuts a query into words like the index. Words after `author:`, or only those in quotes there, must match the author.
 * Words beyond 32 are ignored.
 */
export function parseQuery(typed: string): ParsedQuery {
  const text = typed.trim();
  const isbn = isbnOf(text);
  const split = text.includes(':') ? authorPrefix.exec(text) : null;
  if (split === null) return parseWords(text, isbn, wordsOf(text));
  const before = wordsOf(text.slice(0, split.index));
  const behind = wordsOf(text.slice(split.index + split[0].length));
  const quoted = split.groups?.['quoted'];
  const author = quoted === undefined ? behind : wordsOf(quoted);
  if (author.length === 0) return parseWords(text, isbn, wordsOf(text));
  return parseWords(text, isbn, before, author, quoted === undefined ? [] : behind);
}

function parseWords(
  text: string,
  isbn: string | null,
  before: readonly string[],
  author: readonly string[] = [],
  behind: readonly string[] = [],
): ParsedQuery {
  const all = author.length === 0 ? before : [...before, ...author, ...behind];
  const typed = all.length > mostWords ? all.slice(0, mostWords) : all;
  const words: QueryWord[] = [];
  for (let index = 0; index < typed.length; index++) {
    const word = typed[index]!;
    const at = words.findIndex((known) => known.word === word);
    const known = words[at];
    const isBehind = index >= before.length && index < before.length + author.length;
    const isAuthor = isBehind || known?.only === 'author';
    const prefix = (index === typed.length - 1 || isSingle(word)) && known?.prefix !== false;
    words[at === -1 ? words.length : at] = { word, prefix, only: isAuthor ? 'author' : null };
  }
  return { text, isbn, words, phrase: typed.join(' ') };
}

/** Whether a word is a single character of a script without spaces. */
function isSingle(word: string): boolean {
  return word.length <= 2 && isUnspaced(word) && Array.from(word).length === 1;
}

/** The words of a name; each must match as a whole. */
export function wordsIn(name: string): readonly QueryWord[] {
  return wordsOf(name).map((word) => ({ word, prefix: false, only: null }));
}

function wordsOf(text: string): readonly string[] {
  const words: string[] = [];
  for (const { word, extra } of cutWords(text)) if (!extra) words.push(word);
  return words;
}

function isbnOf(text: string): string | null {
  if (text.length < 10 || !/\d/.test(text)) return null;
  const digits = text.replace(/^isbn(?:[-\s]?1[03](?=[:\s]))?[:\s]*/i, '').replaceAll(/[\s\p{Pd}]/gu, '');
  return digits.length === 10 || digits.length === 13 ? toIsbn13(digits) : null;
}

/** One way to understand a query: every slot must be matched, by any of its alternatives. */
export type Reading = {
  readonly slots: readonly Slot[];
  /** The words as typed; `null` when words were corrected. Ranking then takes the words that the book has. */
  readonly phrase: string | null;
  /** Instead of slots: the initials of a title or a series. */
  readonly initials: string | null;
  /** The books that match have the words only in names of several people. */
  readonly isByChance?: boolean;
};

export function slotAsTyped({ word, prefix, only }: QueryWord): Slot {
  return { typed: word, only, alternatives: [{ words: [{ word, prefix }], edits: 0 }] };
}

export function readingAsTyped(words: readonly QueryWord[], phrase: string): Reading {
  return { slots: words.map(slotAsTyped), phrase, initials: null };
}
