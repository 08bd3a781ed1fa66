import { readFileSync } from 'node:fs';
import { countingKey } from '../../src/text/words.ts';
import { seededRandom } from '../../bench/made-up-books.ts';

/** One query, and the book it is meant to find. */
export type WantedBook = {
  readonly set: string;
  readonly query: string;
  readonly title: string;
  readonly author: string;
};

/** Lower case, no marks, apostrophes dropped, one space for all else that is no letter or digit. */
export function normalised(text: string): string {
  return text
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/[\p{M}'’`]/gu, '')
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/** Rows `set<TAB>query<TAB>title<TAB>author`. */
export function readQueries(file: string): readonly WantedBook[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [set = '', query = '', title = '', author = ''] = line.split('\t');
      return { set, query, title, author };
    });
}

const perSet = 500;
const letters = 'abcdefghijklmnopqrstuvwxyz';

/** Query sets made from titles alone, for when no file of queries is given: whole words, one typo, and cut off. */
export function makeQueries(
  books: readonly { readonly title: string; readonly author: string }[],
): readonly WantedBook[] {
  const random = seededRandom(7);
  const wanted: WantedBook[] = [];
  for (let made = 0; made < perSet; made++) {
    const { title, author } = books[Math.floor(random() * books.length)]!;
    const words = countingKey(title).split(' ').slice(0, 4);
    const longest = words.reduce((best, word) => (word.length > best.length ? word : best), '');
    const at = Math.floor(random() * longest.length);
    const typo = longest.slice(0, at) + letters[Math.floor(random() * letters.length)] + longest.slice(at + 1);
    const whole = words.join(' ');
    wanted.push({ set: 'clean', query: whole, title, author });
    wanted.push({
      set: 'one_edit',
      query: words.map((word) => (word === longest ? typo : word)).join(' '),
      title,
      author,
    });
    wanted.push({ set: 'prefix', query: whole.slice(0, Math.ceil(whole.length * 0.7)), title, author });
  }
  return wanted;
}
