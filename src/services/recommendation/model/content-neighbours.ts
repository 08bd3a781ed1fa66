import type { Book } from '../../../events/book.ts';
import { authorKeys } from '../../../text/authors-and-isbn.ts';
import { wholeWords } from '../../../text/words.ts';
import { createLists, createScores, createStrongest, grown } from './by-number.ts';

/** Books and how similar each is to another one: parallel lists, best first. */
export type Neighbours = {
  readonly numbers: readonly number[];
  /** Cosines, 0 to 1. */
  readonly similarities: readonly number[];
};

/**
 * Which books are similar by their own texts: author, series, subjects, title and description. Books are numbered from
 * 0.
 */
export type ContentIndex = {
  /** Adds a book, replaces it, or takes it out with `null`. */
  readonly put: (number: number, book: Book | null) => void;
  /**
   * The most similar books; ties by `orderOf`. Books that share nothing but words share at least two that are rare: “A
   * Short History of …” is no reason.
   */
  readonly neighbours: (number: number, limit: number) => Neighbours;
  readonly has: (number: number) => boolean;
};

/** How much a shared feature counts, before its rarity. */
const weights = { author: 2, series: 2.5, subject: 1.5, title: 0.8, description: 0.3 };
/** A feature that more than this share of the books have is ignored, except in a small catalogue. */
const commonShare = 0.1;
const alwaysRare = 40;
/** A word that more books have than this share, and than `alwaysTelling`, is not enough to make two books similar. */
const tellingShare = 0.002;
const alwaysTelling = 20;
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
 * One integer says that a book has a feature, and with which weight. Its upper bits are the book's number (in a list by
 * feature) or the feature's number (in a list by book); its lower bits are the number of the weight.
 */
const weightBits = 3;
const weightMask = (1 << weightBits) - 1;
const weightsByNumber = Object.values(weights);
type Having = number;

/**
 * TF-IDF vectors over authors, series, subjects and words, compared by cosine (Salton and Buckley, 1988).
 * @param orderOf decides between books that are equally similar.
 */
export function createContentIndex(orderOf: (number: number) => number): ContentIndex {
  const numbers = new Map<string, number>();
  /** By feature number: the books that have it, in no particular order, and whether it is only a word. */
  const having: Having[][] = [];
  const isWord: boolean[] = [];
  /** By book. */
  const features = createLists();
  let isPresent = new Uint8Array(1_024);
  let size = 0;
  const products = createScores();
  /** How many features are shared. A feature that is not a word counts 2, and a frequent word 0. */
  let shared = new Uint8Array(1_024);
  const strongest = createStrongest(compared, (one, other) => orderOf(one) < orderOf(other));

  const rarity = createRemembered((feature) => {
    const frequency = having[feature]!.length;
    if (frequency > Math.max(alwaysRare, size * commonShare)) return 0;
    return Math.log((1 + size) / frequency);
  });
  const lengthOf = createRemembered((book) => {
    let squares = 0;
    features.each(book, (one) => {
      squares += (weightOf(one) * rarity.of(one >>> weightBits)) ** 2;
    });
    return Math.sqrt(squares);
  });
  const remove = (book: number): void => {
    if (isPresent[book] !== 1) return;
    features.each(book, (one) => takeOut(having[one >>> weightBits]!, (book << weightBits) | (one & weightMask)));
    features.put(book, []);
    isPresent[book] = 0;
    size--;
  };
  const numberOf = (feature: string): number => {
    const known = numbers.get(feature);
    if (known !== undefined) return known;
    numbers.set(feature, having.length);
    isWord.push(feature.startsWith('word '));
    return having.push([]) - 1;
  };
  const add = (book: number, found: ReadonlyMap<string, number>): void => {
    if (book >= isPresent.length) {
      isPresent = grown(isPresent, book + 1);
      shared = grown(shared, book + 1);
    }
    isPresent[book] = 1;
    size++;
    const list = Array.from(found, ([feature, weight]) => (numberOf(feature) << weightBits) | weight);
    for (const one of list) having[one >>> weightBits]!.push((book << weightBits) | (one & weightMask));
    features.put(book, list);
  };
  /** Starts with the rarest feature. Features of equal frequency are in the order of the book. */
  const shareFeatures = (book: number): void => {
    const own: Having[] = [];
    features.each(book, (one) => own.push(one));
    const frequency = (one: Having): number => having[one >>> weightBits]!.length;
    let left = mostShared;
    for (const one of own.sort((first, second) => frequency(first) - frequency(second))) {
      const feature = one >>> weightBits;
      const factor = weightOf(one) * rarity.of(feature) ** 2;
      if (factor === 0) continue;
      const others = having[feature]!;
      if ((left -= others.length) < 0) break;
      const isTelling = others.length <= Math.max(alwaysTelling, size * tellingShare);
      const by = isWord[feature] === true ? Number(isTelling) : 2;
      for (const having of others) {
        const other = having >>> weightBits;
        shared[other] = Math.min(9, shared[other]! + by);
        products.add(other, factor * weightOf(having));
      }
    }
  };

  return {
    put: (book, fields) => {
      remove(book);
      rarity.forget();
      lengthOf.forget();
      if (fields !== null) add(book, featuresOf(fields));
    },
    neighbours: (book, limit) => {
      if (isPresent[book] !== 1) return noNeighbours;
      shareFeatures(book);
      strongest.clear();
      for (const other of products.works()) {
        if (other !== book && shared[other]! > 1) strongest.offer(other, products.of(other));
        shared[other] = 0;
      }
      const own = lengthOf.of(book);
      const found = Array.from(strongest.works(), (other) => {
        return { other, similarity: products.of(other) / (own * lengthOf.of(other)) };
      });
      products.clear();
      found.sort((one, other) => other.similarity - one.similarity || orderOf(one.other) - orderOf(other.other));
      const kept = found.slice(0, limit);
      return { numbers: kept.map(({ other }) => other), similarities: kept.map(({ similarity }) => similarity) };
    },
    has: (book) => isPresent[book] === 1,
  };
}

const noNeighbours: Neighbours = { numbers: [], similarities: [] };

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
  return {
    of: (at: number): number => {
      if (at >= values.length) {
        values = grown(values, at + 1);
        computedAt = grown(computedAt, at + 1);
      }
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
