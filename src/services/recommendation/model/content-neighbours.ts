import type { Book } from '../../../events/book.ts';
import { authorKeys } from '../../../text/fields.ts';
import { wholeWords } from '../../../text/words.ts';
import { createScores, createStrongest } from './scores.ts';

export type Neighbour = { readonly bookId: number; /** Cosine, 0 to 1. */ readonly similarity: number };

/** Which books are similar by their own texts: author, series, subjects, title and description. */
export type ContentIndex = {
  /** Adds a book, replaces it, or takes it out with `null`. */
  readonly put: (bookId: number, book: Book | null) => void;
  /** The most similar books, best first; ties by id. One common word is not enough. */
  readonly neighbours: (bookId: number, limit: number) => readonly Neighbour[];
  readonly size: () => number;
};

/** How much a shared feature counts, before its rarity. */
const weights = { author: 2, series: 2.5, subject: 1.5, title: 0.8, description: 0.3 };
/** A feature that more than this share of the books have is ignored, except in a small catalogue. */
const commonShare = 0.1;
const alwaysRare = 40;
/**
 * How many occurrences of a book's features in other books are read, from the rarest feature on. More would take long
 * and change little.
 */
const mostShared = 2_000;
/** How many of the books that share most features are compared exactly. */
const compared = 100;
const stopWords = new Set(
  (
    'about after again against all also among and another any are because been before being between both but can could ' +
    'does down during each every few first for from has have her here hers him his how into its itself just last life ' +
    'like made man many more most much must new nor not now off old once one only other our out over own part same she ' +
    'should some such than that the their them then there these they this those through time too two under until upon ' +
    'very volume was were what when where which while who whom whose why will with woman world would year years you young your'
  ).split(' '),
);

/**
 * One integer says that a book has a feature, and with which weight. Its upper bits are the book's place (in a list by
 * feature) or the feature's number (in a list by book); its lower bits are the number of the weight.
 */
const weightBits = 3;
const weightMask = (1 << weightBits) - 1;
const weightsByNumber = Object.values(weights);
type Having = number;

/** TF-IDF vectors over authors, series, subjects and words, compared by cosine (Salton and Buckley, 1988). */
export function createContentIndex(): ContentIndex {
  const numbers = new Map<string, number>();
  /** By feature number: the books that have it, in no particular order, and whether it is only a word. */
  const having: Having[][] = [];
  const isWord: boolean[] = [];
  /** By place of a book. */
  const features: (readonly Having[] | null)[] = [];
  const bookIds: number[] = [];
  const places = new Map<number, number>();
  const freePlaces: number[] = [];
  const products = createScores();
  /** How many features are shared. A feature that is not a word counts 2. */
  let shared = new Uint8Array(1_024);

  const rarity = createRemembered((feature) => {
    const frequency = having[feature]!.length;
    if (frequency > Math.max(alwaysRare, places.size * commonShare)) return 0;
    return Math.log((1 + places.size) / frequency);
  });
  const lengthOf = createRemembered((place) => {
    let squares = 0;
    for (const one of features[place]!) squares += (weightOf(one) * rarity.of(one >>> weightBits)) ** 2;
    return Math.sqrt(squares);
  });
  const remove = (bookId: number): void => {
    const place = places.get(bookId);
    if (place === undefined) return;
    for (const one of features[place]!)
      takeOut(having[one >>> weightBits]!, (place << weightBits) | (one & weightMask));
    features[place] = null;
    freePlaces.push(place);
    places.delete(bookId);
  };
  const add = (bookId: number, found: ReadonlyMap<string, number>): void => {
    const place = freePlaces.pop() ?? bookIds.length;
    places.set(bookId, place);
    bookIds[place] = bookId;
    features[place] = Array.from(found, ([feature, weight]) => {
      const known = numbers.get(feature) ?? having.length;
      if (known === having.length) {
        numbers.set(feature, known);
        having.push([]);
        isWord.push(feature.startsWith('word '));
      }
      having[known]!.push((place << weightBits) | weight);
      return (known << weightBits) | weight;
    });
    if (place >= shared.length) shared = new Uint8Array(shared.length * 2);
  };
  /** Starts with the rarest feature. Features of equal frequency are in the order of the book. */
  const shareFeatures = (place: number): void => {
    products.makeRoom(bookIds.length);
    const frequency = (one: Having): number => having[one >>> weightBits]!.length;
    let left = mostShared;
    for (const own of features[place]!.toSorted((one, other) => frequency(one) - frequency(other))) {
      const feature = own >>> weightBits;
      const factor = weightOf(own) * rarity.of(feature) ** 2;
      if (factor === 0) continue;
      const others = having[feature]!;
      if ((left -= others.length) < 0) break;
      const by = isWord[feature] === true ? 1 : 2;
      for (const one of others) {
        const other = one >>> weightBits;
        shared[other] = Math.min(9, shared[other]! + by);
        products.add(other, factor * weightOf(one));
      }
    }
  };

  return {
    put: (bookId, book) => {
      remove(bookId);
      rarity.forget();
      lengthOf.forget();
      if (book !== null) add(bookId, featuresOf(book));
    },
    neighbours: (bookId, limit) => {
      const place = places.get(bookId);
      if (place === undefined) return [];
      shareFeatures(place);
      const strongest = createStrongest(compared, (one, other) => bookIds[one]! < bookIds[other]!);
      for (const other of products.works()) {
        if (other !== place && shared[other]! > 1) strongest.offer(other, products.of(other));
        shared[other] = 0;
      }
      const own = lengthOf.of(place);
      const found = Array.from(strongest.works(), (other) => {
        return { bookId: bookIds[other]!, similarity: products.of(other) / (own * lengthOf.of(other)) };
      });
      products.clear();
      return found.sort((one, other) => other.similarity - one.similarity || one.bookId - other.bookId).slice(0, limit);
    },
    size: () => places.size,
  };
}

function weightOf(having: Having): number {
  return weightsByNumber[having & weightMask]!;
}

function takeOut(list: Having[], one: Having): void {
  const last = list.pop()!;
  if (last !== one) list[list.indexOf(one)] = last;
}

/** Numbers that are computed when needed, and then remembered until they are forgotten. */
function createRemembered(compute: (at: number) => number) {
  let values = new Float64Array(1_024);
  let computedAt = new Int32Array(1_024);
  let now = 1;
  const makeRoom = (at: number): void => {
    const [oldValues, oldComputedAt] = [values, computedAt];
    values = new Float64Array(at * 2);
    values.set(oldValues);
    computedAt = new Int32Array(at * 2);
    computedAt.set(oldComputedAt);
  };
  return {
    of: (at: number): number => {
      if (at >= values.length) makeRoom(at);
      if (computedAt[at] !== now) {
        values[at] = compute(at);
        computedAt[at] = now;
      }
      return values[at]!;
    },
    forget: () => {
      now++;
    },
  };
}

/**
 * The features of a book, each with the number of its weight. A word that is in both title and description counts as a
 * title word.
 */
function featuresOf({ title, author, series, subjects, description }: Book): ReadonlyMap<string, number> {
  const features = new Map<string, number>();
  const add = (kind: string, name: string, weight: keyof typeof weights): void => {
    const feature = `${kind} ${name}`;
    if (name !== '' && !features.has(feature)) features.set(feature, Object.keys(weights).indexOf(weight));
  };
  for (const name of authorKeys(author)) add('author', name, 'author');
  add('series', wholeWords((series ?? '').replace(/#.*$/, '')).join(' '), 'series');
  for (const subject of subjects ?? []) add('subject', wholeWords(subject).join(' '), 'subject');
  for (const word of wordsOf(title)) add('word', word, 'title');
  for (const word of wordsOf(description ?? '')) add('word', word, 'description');
  return features;
}

function wordsOf(text: string): readonly string[] {
  return wholeWords(text).filter((word) => word.length >= 3 && !stopWords.has(word));
}
