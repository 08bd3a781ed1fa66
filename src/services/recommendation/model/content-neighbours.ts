import type { Book } from '../../../events/book.ts';
import { authorKeys } from '../../../text/fields.ts';
import { wholeWords } from '../../../text/words.ts';
import { createStrongest } from './strongest.ts';

export type Neighbour = { readonly bookId: number; /** Cosine, 0 to 1. */ readonly similarity: number };

/** Which books resemble each other by what they say about themselves. */
export type ContentIndex = {
  /** Adds a book, replaces it, or takes it out with `null`. */
  readonly put: (bookId: number, book: Book | null) => void;
  /** The most similar books, best first; ties by id. One word in common is no similarity. */
  readonly neighbours: (bookId: number, limit: number) => readonly Neighbour[];
  readonly size: () => number;
};

/** How much sharing something says, before its rarity. */
const weights = { author: 2, series: 2.5, subject: 1.5, title: 0.8, description: 0.3 };
/** What more books share than this part of them says nothing, except in a small catalogue. */
const commonShare = 0.1;
const alwaysRare = 40;
/** So many shared features are looked at for a book, from the rarest on: more would take long and say little. */
const mostShared = 2_000;
/** Of the books that share most, so many are compared exactly. */
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

/** The books that have a feature, by their places, and how heavily each does. */
type Posting = { readonly places: number[]; readonly weights: number[]; readonly isWord: boolean };
type Features = { readonly numbers: Int32Array; readonly weights: Float32Array };

/** TF-IDF vectors over authors, series, subjects and words, compared by cosine (Salton and Buckley, 1988). */
export function createContentIndex(): ContentIndex {
  const numbers = new Map<string, number>();
  const postings: Posting[] = [];
  const places = new Map<number, number>();
  const bookIds: number[] = [];
  const features: (Features | null)[] = [];
  const freePlaces: number[] = [];
  /** Lengths are computed when they are needed, once for each state of the catalogue. */
  const lengths: { value: number; at: number }[] = [];
  let changes = 0;
  let products = new Float64Array(1_024);
  /** How many features are shared; 2 and more with one that is no word. */
  let shared = new Uint8Array(1_024);

  const rarity = (feature: number): number => {
    const frequency = postings[feature]!.places.length;
    if (frequency > Math.max(alwaysRare, places.size * commonShare)) return 0;
    return Math.log((1 + places.size) / frequency);
  };
  const lengthOf = (place: number): number => {
    const length = lengths[place]!;
    if (length.at === changes) return length.value;
    const { numbers: own, weights } = features[place]!;
    let squares = 0;
    for (let at = 0; at < own.length; at++) squares += (weights[at]! * rarity(own[at]!)) ** 2;
    length.at = changes;
    return (length.value = Math.sqrt(squares));
  };
  const remove = (bookId: number): void => {
    const place = places.get(bookId);
    if (place === undefined) return;
    for (const feature of features[place]!.numbers) takeOut(postings[feature]!, place);
    features[place] = null;
    freePlaces.push(place);
    places.delete(bookId);
  };
  const add = (bookId: number, found: ReadonlyMap<string, number>): void => {
    const place = freePlaces.pop() ?? bookIds.length;
    places.set(bookId, place);
    bookIds[place] = bookId;
    lengths[place] = { value: 0, at: -1 };
    const own = Int32Array.from(found.keys(), (feature) => {
      const known = numbers.get(feature) ?? postings.length;
      if (known === postings.length) {
        numbers.set(feature, known);
        postings.push({ places: [], weights: [], isWord: feature.startsWith('word ') });
      }
      return known;
    });
    const weightsOfOwn = Float32Array.from(found.values());
    features[place] = { numbers: own, weights: weightsOfOwn };
    for (const [at, feature] of own.entries()) {
      postings[feature]!.places.push(place);
      postings[feature]!.weights.push(weightsOfOwn[at]!);
    }
    if (place < products.length) return;
    products = new Float64Array(products.length * 2);
    shared = new Uint8Array(shared.length * 2);
  };
  /** By rising frequency; features of one frequency in the order of the book. */
  const tellingFeatures = ({ numbers: own, weights: of }: Features) =>
    Array.from(own, (feature, at) => ({ ...postings[feature]!, weight: of[at]!, rare: rarity(feature) }))
      .filter(({ rare }) => rare > 0)
      .sort((one, other) => one.places.length - other.places.length);
  const shareFeatures = (place: number): readonly number[] => {
    const touched: number[] = [];
    let left = mostShared;
    for (const { places: having, weights: of, isWord, weight, rare } of tellingFeatures(features[place]!)) {
      if ((left -= having.length) < 0) break;
      for (let at = 0; at < having.length; at++) {
        const other = having[at]!;
        if (shared[other] === 0) touched.push(other);
        shared[other] = Math.min(9, shared[other]! + (isWord ? 1 : 2));
        products[other]! += weight * of[at]! * rare ** 2;
      }
    }
    return touched;
  };

  return {
    put: (bookId, book) => {
      remove(bookId);
      changes++;
      if (book !== null) add(bookId, featuresOf(book));
    },
    neighbours: (bookId, limit) => {
      const place = places.get(bookId);
      if (place === undefined) return [];
      const touched = shareFeatures(place);
      const strongest = createStrongest(compared, (one, other) => bookIds[one]! < bookIds[other]!);
      for (const other of touched) {
        if (other !== place && shared[other]! > 1) strongest.offer(other, products[other]!);
      }
      const own = lengthOf(place);
      const found = Array.from(strongest.works(), (other) => {
        return { bookId: bookIds[other]!, similarity: products[other]! / (own * lengthOf(other)) };
      });
      for (const other of touched) products[other] = shared[other] = 0;
      return found.sort((one, other) => other.similarity - one.similarity || one.bookId - other.bookId).slice(0, limit);
    },
    size: () => places.size,
  };
}

function takeOut({ places, weights: of }: Posting, place: number): void {
  const at = places.indexOf(place);
  const [lastPlace, lastWeight] = [places.pop()!, of.pop()!];
  if (at === places.length) return;
  places[at] = lastPlace;
  of[at] = lastWeight;
}

/** The heaviest reading of each feature counts once. */
function featuresOf({ title, author, series, subjects, description }: Book): ReadonlyMap<string, number> {
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
  return features;
}

function wordsOf(text: string): readonly string[] {
  return wholeWords(text).filter((word) => word.length >= 3 && !stopWords.has(word));
}
