import { foldText } from './fold.ts';
import { wholeWords } from './words.ts';

const simple = /^[a-z0-9]{2,}(?: [a-z0-9]{2,})*$/;
const spaces = /[\p{Z}\s\p{Cc}]+/gu;
/** They say nothing about the book. */
const tradeSigns = /[™®©℠]/gu;
const tellingSymbols = /[\p{Sc}\p{So}+%∞♯]|#(?!\s*\p{N})/gu;

/**
 * The level of counting: equal for two queries that search for the same words, however they are spelt. A text without
 * any word is its own key. The key of a key is the key.
 */
export function countingKey(text: string): string {
  if (simple.test(text)) return text;
  const written = compatible(text);
  const words = wholeWords(written);
  return words.length > 0 ? words.join(' ') : symbolsOnly(written);
}

/**
 * The level of identity: equal for two titles of one book as different lists write it. It keeps more apart than
 * counting does: symbols that stand outside of words count.
 */
export function identityKey(text: string): string {
  const written = compatible(text);
  const words = wholeWords(written);
  return words.length > 0 ? [...words, ...(written.match(tellingSymbols) ?? [])].join(' ') : symbolsOnly(written);
}

/** Before words are cut, because what “№” or “㏂” stand for are words. */
function compatible(text: string): string {
  return (text.replaceAll(tradeSigns, '') || text).normalize('NFKC');
}

/** What is left of “???” or “❤️‍🔥”, which are all the words such a title has. */
function symbolsOnly(text: string): string {
  const folded = foldText(text).replaceAll(spaces, ' ').trim();
  return folded === '' ? text.trim() : folded;
}
