import type { Book } from '../../../events/book.ts';
import { authorKeys } from '../../../text/authors.ts';
import { wholeWords } from '../../../text/words.ts';

export type Neighbour = { readonly bookId: number; /** Cosine, 0 to 1. */ readonly similarity: number };

/** Which books resemble each other by what they say about themselves. */
export type ContentIndex = {
  /** Adds a book, replaces it, or takes it out with `null`. */
  readonly put: (bookId: number, book: Book | null) => void;
  readonly titleOf: (bookId: number) => { readonly title: string; readonly author: string } | null;
  /** The most similar books, best first; ties by id. */
  readonly neighbours: (bookId: number, limit: number) => readonly Neighbour[];
  /** The books most read elsewhere, as the catalogue says; ties by id. */
  readonly mostPopular: (limit: number) => readonly number[];
  readonly size: () => number;
};

type Entry = {
  readonly title: string;
  readonly author: string;
  readonly popularity: number;
  readonly features: readonly (readonly [feature: string, weight: number])[];
};

/** How much sharing something says, before its rarity. */
const weights = { author: 2, series: 2.5, subject: 1.5, title: 0.8, description: 0.3 };
/** What more books share than this part of them tells nothing; a small catalogue is let off. */
const commonShare = 0.1;
const alwaysRare = 40;
const stopWords = new Set(
  (
    'about after again against all also among and another any are because been before being between both but can could ' +
    'does down during each every few first for from has have her here hers him his how into its itself just last life ' +
    'like made man many more most much must new nor not now off old once one only other our out over own part same she ' +
    'should some such than that the their them then there these they this those through time too two under until upon ' +
    'very volume was were what when where which while who whom whose why will with woman world would year years you young your'
  ).split(' '),
);

/** TF-IDF vectors over authors, series, subjects and words, compared by cosine (Salton and Buckley, 1988). */
export function createContentIndex(): ContentIndex {
  const entries = new Map<number, Entry>();
  /** Which books have a feature, and how heavily. */
  const postings = new Map<string, Map<number, number>>();
  let popular: readonly number[] | null = null;

  const takeOut = (bookId: number): void => {
    for (const [feature] of entries.get(bookId)?.features ?? []) {
      const books = postings.get(feature);
      books?.delete(bookId);
      if (books?.size === 0) postings.delete(feature);
    }
    entries.delete(bookId);
  };

  const rarity = (feature: string): number => {
    const frequency = postings.get(feature)?.size ?? 0;
    if (frequency > Math.max(alwaysRare, entries.size * commonShare)) return 0;
    return Math.log((1 + entries.size) / frequency);
  };

  const length = ({ features }: Entry): number =>
    Math.sqrt(features.reduce((sum, [feature, weight]) => sum + (weight * rarity(feature)) ** 2, 0));

  return {
    put: (bookId, book) => {
      takeOut(bookId);
      popular = null;
      if (book === null) return;
      const entry = {
        title: book.title,
        author: book.author,
        popularity: book.popularity ?? 0,
        features: featuresOf(book),
      };
      entries.set(bookId, entry);
      for (const [feature, weight] of entry.features) {
        const books = postings.get(feature);
        if (books === undefined) postings.set(feature, new Map([[bookId, weight]]));
        else books.set(bookId, weight);
      }
    },
    titleOf: (bookId) => entries.get(bookId) ?? null,
    neighbours: (bookId, limit) => {
      const entry = entries.get(bookId);
      if (entry === undefined) return [];
      const products = new Map<number, number>();
      for (const [feature, weight] of entry.features) {
        const rare = rarity(feature);
        if (rare === 0) continue;
        for (const [other, itsWeight] of postings.get(feature) ?? []) {
          if (other !== bookId) products.set(other, (products.get(other) ?? 0) + weight * itsWeight * rare ** 2);
        }
      }
      const own = length(entry);
      return [...products]
        .map(([other, product]) => ({ bookId: other, similarity: product / (own * length(entries.get(other)!)) }))
        .sort((one, other) => other.similarity - one.similarity || one.bookId - other.bookId)
        .slice(0, limit);
    },
    mostPopular: (limit) => {
      popular ??= [...entries]
        .sort(([one, a], [other, b]) => b.popularity - a.popularity || one - other)
        .map(([id]) => id);
      return popular.slice(0, limit);
    },
    size: () => entries.size,
  };
}

/** The heaviest reading of each feature counts once. */
function featuresOf({ title, author, series, subjects, description }: Book): Entry['features'] {
  const features = new Map<string, number>();
  const add = (kind: string, name: string, weight: number): void => {
    const feature = `${kind} ${name}`;
    if (name !== '') features.set(feature, Math.max(weight, features.get(feature) ?? 0));
  };
  for (const name of authorKeys(author)) add('author', name, weights.author);
  add('series', wholeWords((series ?? '').replace(/#.*$/, '')).join(' '), weights.series);
  for (const subject of subjects ?? []) add('subject', wholeWords(subject).join(' '), weights.subject);
  for (const word of wordsOf(title)) add('word', word, weights.title);
  for (const word of wordsOf(description ?? '')) add('word', word, weights.description);
  return [...features];
}

function wordsOf(text: string): readonly string[] {
  return wholeWords(text).filter((word) => word.length >= 3 && !stopWords.has(word));
}
