import { createStrongest } from '../../src/services/recommendation/model/by-number.ts';

/** A simple method to compare with: fitted to what users liked, it scores items for one of them. */
type Peer = {
  readonly name: string;
  readonly fit: (users: readonly (readonly number[])[], items: number) => (liked: readonly number[]) => Float64Array;
};

/** Items by how many users liked them. */
const popularity: Peer = {
  name: 'popularity',
  fit: (users, items) => {
    const scores = new Float64Array(items);
    for (const liked of users) for (const item of liked) scores[item]! += 1;
    return () => scores.slice();
  },
};

/** Neighbours by how many users liked both. */
const cooccurrence: Peer = neighbours(
  'co-occurrence',
  Number.POSITIVE_INFINITY,
  () => 1,
  (shared) => shared,
);

/** Neighbours by the cosine of their users. */
const cosine: Peer = neighbours(
  'cosine',
  Number.POSITIVE_INFINITY,
  () => 1,
  (shared, one, other) => shared / Math.sqrt(one * other),
);

/** As cosine, where users of many items say less; each item keeps its ten best neighbours. */
const tfIdf: Peer = neighbours(
  'tf-idf-10',
  10,
  (liked, items) => Math.log((1 + items) / (1 + liked)) ** 2,
  (shared, one, other) => shared / Math.sqrt(one * other),
);

export const peers: readonly Peer[] = [popularity, cooccurrence, cosine, tfIdf];

/**
 * @param most neighbours of an item that may speak for it.
 * @param weightOf the weight of a user, by how many of the items they liked.
 * @param similarity from the weights of the users of both, of one and of the other.
 */
function neighbours(
  name: string,
  most: number,
  weightOf: (liked: number, items: number) => number,
  similarity: (shared: number, one: number, other: number) => number,
): Peer {
  return {
    name,
    fit: (users, items) => {
      const usersOf = Array.from({ length: items }, (): number[] => []);
      for (const [user, liked] of users.entries()) for (const item of liked) usersOf[item]!.push(user);
      const weights = users.map((liked) => weightOf(liked.length, items));
      const totals = usersOf.map((of) => of.reduce((sum, user) => sum + weights[user]!, 0));
      const shared = new Float64Array(items);
      const neighboursOf: Spoken[] = [];
      for (let item = 0; item < items; item++) {
        const met: number[] = [];
        for (const user of usersOf[item]!) {
          for (const other of users[user]!) {
            if (shared[other] === 0) met.push(other);
            shared[other]! += weights[user]!;
          }
        }
        const strongest = createStrongest(Math.min(most, met.length), (one, other) => one < other);
        const of = (other: number): number => similarity(shared[other]!, totals[item]!, totals[other]!);
        for (const other of met) if (other !== item) strongest.offer(other, of(other));
        const found = strongest.works();
        neighboursOf.push({ items: found, weights: Float32Array.from(found, of) });
        for (const other of met) shared[other] = 0;
      }
      const speaks = turnedAround(neighboursOf, items);
      return (liked) => {
        const scores = new Float64Array(items);
        for (const item of liked) {
          const spoken = speaks[item]!;
          for (let at = 0; at < spoken.items.length; at++) scores[spoken.items[at]!]! += spoken.weights[at]!;
        }
        return scores;
      };
    },
  };
}

type Spoken = { readonly items: Int32Array; readonly weights: Float32Array };

/** From the neighbours that may speak for an item to the items that one may speak for. */
function turnedAround(neighboursOf: readonly Spoken[], items: number): readonly Spoken[] {
  const sizes = new Int32Array(items);
  for (const { items: found } of neighboursOf) for (const other of found) sizes[other]! += 1;
  const speaks = Array.from(sizes, (size) => ({ items: new Int32Array(size), weights: new Float32Array(size) }));
  for (const [item, { items: found, weights }] of neighboursOf.entries()) {
    for (let at = 0; at < found.length; at++) {
      const end = (sizes[found[at]!]! -= 1);
      speaks[found[at]!]!.items[end] = item;
      speaks[found[at]!]!.weights[end] = weights[at]!;
    }
  }
  return speaks;
}

/** The best unseen items, best first; ties by number. */
export function bestUnseen(scores: Float64Array, seen: Iterable<number>, most: number): readonly number[] {
  for (const item of seen) scores[item] = 0;
  const strongest = createStrongest(most, (one, other) => one < other);
  for (let item = 0; item < scores.length; item++) if (scores[item]! > 0) strongest.offer(item, scores[item]!);
  return [...strongest.works()].sort((one, other) => scores[other]! - scores[one]! || one - other);
}
