import { createZipf } from '../src/commands/simulate/random.ts';

/** Deterministic pseudo-random numbers in [0, 1): mulberry32. Benchmarks must send the same queries every time. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export type MadeUpBook = {
  readonly title: string;
  readonly author: string;
  readonly year: number;
  readonly description: string;
  readonly popularity: number;
};

const syllables =
  'ba be bi bo da de di do fa fe fi ga ge go ha he hi ka ke ki la le li lo ma me mi mo na ne ni no pa pe ra re ri ro sa se si so ta te ti to va ve vi wa we'.split(
    ' ',
  );

/** `count` made-up books, most popular first; words follow Zipf's law as in real titles. */
export function madeUpBooks(count: number, seed = 1): readonly MadeUpBook[] {
  return [...makeUpBooks(count, seed)];
}

/** The same books one by one, when there are more than fit into memory. */
export function* makeUpBooks(count: number, seed = 1): Generator<MadeUpBook> {
  const random = seededRandom(seed);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
  const word = (): string => Array.from({ length: 2 + Math.floor(random() * 3) }, () => pick(syllables)).join('');
  const vocabulary = [...new Set(Array.from({ length: 20_000 }, word))];
  const common = createZipf(vocabulary.length, 0.9);
  const people = Array.from(
    { length: Math.max(50, Math.ceil(count / 4)) },
    () => `${capital(word())} ${capital(word())}`,
  );
  const writer = createZipf(people.length, 0.6);
  const text = (words: number): string => Array.from({ length: words }, () => vocabulary[common(random)]!).join(' ');
  for (let rank = 0; rank < count; rank++) {
    yield {
      title: capital(text(2 + Math.floor(random() * 5))),
      author: people[writer(random)]!,
      year: 1800 + Math.floor(random() * 225),
      description: `${capital(text(30))}.`,
      popularity: Math.max(1, Math.floor(1_000_000 / (rank + 1) ** 0.7)),
    };
  }
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
