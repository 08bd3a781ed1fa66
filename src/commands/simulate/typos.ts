import { drawIndex, drawOne, type Random } from './seeded-random.ts';

const keyboardRows = ['qwertyuiop', 'asdfghjkl', 'zxcvbnm'];

/** A shorter word is hardly ever mistyped, and nobody could tell what it was meant to be. */
const shortestLetters = 4;

/**
 * The text with one slip of the finger in one of its words: a letter left out, typed twice, swapped with the next or
 * hit beside. A text without a word of four letters comes back as it is.
 */
export function mistype(text: string, random: Random): string {
  const words = [...text.matchAll(/[\p{L}\p{M}]+/gu)].filter(([word]) => Array.from(word).length >= shortestLetters);
  if (words.length === 0) return text;
  const { 0: word, index } = drawOne(random, words);
  return text.slice(0, index) + slip(Array.from(word), random) + text.slice(index + word.length);
}

/** The first letter is left alone: people look when they begin a word. */
function slip(letters: readonly string[], random: Random): string {
  const at = 1 + drawIndex(random, letters.length - 1);
  const [letter = '', next] = letters.slice(at);
  const slips = ['', letter + letter, beside(letter, random)];
  const swaps = next !== undefined && next !== letter;
  const kind = drawIndex(random, swaps ? 4 : 3);
  const typed = slips[kind] ?? `${next}${letter}`;
  return [...letters.slice(0, at), typed, ...letters.slice(kind === 3 ? at + 2 : at + 1)].join('');
}

/** A neighbour in the same row of the keyboard; of letters no such keyboard has, none. */
function beside(letter: string, random: Random): string {
  const row = keyboardRows.find((keys) => keys.includes(letter.toLowerCase()));
  if (row === undefined) return '';
  const place = row.indexOf(letter.toLowerCase());
  return drawOne(random, Array.from(row.slice(Math.max(0, place - 1), place) + row.slice(place + 1, place + 2)));
}
