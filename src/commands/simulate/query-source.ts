import { longestQuery } from '../../events/book-searched.ts';
import { drawIndex, drawOne, createZipf, type Random } from './random.ts';

/** What made-up readers know of a book. */
export type KnownBook = {
  readonly id: number;
  readonly title: string;
  readonly author: string;
  readonly subjects?: readonly string[];
  readonly series?: string | null;
};

/** The subjects, authors and series that a made-up reader likes, in the form of `tagsOf`. */
export type MadeUpTaste = readonly string[];

/** What made-up readers type, spelled correctly. */
export type QuerySource = {
  /** A taste drawn from two books that have something in common; `null` when they have no subject, author or series. */
  readonly drawTaste: (random: Random) => MadeUpTaste | null;
  /** A title, a word or two of a title, an author or a subject; mostly of a book that fits the taste. */
  readonly drawQuery: (random: Random, taste: MadeUpTaste | null) => string;
  /** Any title, all equally likely. */
  readonly drawSurprise: (random: Random) => string;
};

type Draw = (random: Random) => KnownBook;

const ofTaste = 0.7;
const smallWords: ReadonlySet<string> = new Set(
  'a an the of and or in on at to for from with by his her their my our is are was into de la le les el los der die das'.split(
    ' ',
  ),
);

/**
 * Draws books by Zipf's law: the first of the list most often.
 * @param books by falling popularity, as the shop lists them without a query; at least one.
 */
export function createQuerySource(books: readonly KnownBook[]): QuerySource {
  const drawAny = drawerOf(books);
  const byTag = new Map<string, KnownBook[]>();
  for (const book of books) {
    for (const tag of tagsOf(book)) byTag.getOrInsertComputed(tag, () => []).push(book);
  }
  const drawers = new Map([...byTag].map(([tag, fitting]) => [tag, drawerOf(fitting)]));
  return {
    drawTaste: (random) => {
      const tags = tagsOf(drawAny(random));
      if (tags.length === 0) return null;
      const another = drawers.get(drawOne(random, tags))!(random);
      return [...new Set([...tags, ...tagsOf(another)])];
    },
    drawQuery: (random, taste) => {
      const fitting = taste === null ? undefined : drawers.get(drawOne(random, taste));
      const draw = fitting !== undefined && random() < ofTaste ? fitting : drawAny;
      return cut(queryFor(draw(random), random));
    },
    drawSurprise: (random) => cut(drawOne(random, books).title.toLowerCase()),
  };
}

/** What a reader may like about a book. */
export function tagsOf({ author, subjects = [], series }: KnownBook): readonly string[] {
  const name = (series ?? '').replace(/[\s,]*#?\s*[\d.]*\s*$/, '');
  return [
    ...subjects.map((subject) => `subject ${subject}`),
    ...(author === '' ? [] : [`author ${author}`]),
    ...(name === '' ? [] : [`series ${name}`]),
  ];
}

function cut(query: string): string {
  return Array.from(query).slice(0, longestQuery).join('').trim();
}

function drawerOf(books: readonly KnownBook[]): Draw {
  const drawRank = createZipf(books.length);
  return (random) => books[drawRank(random)]!;
}

/** One way to ask for a book; most people type without capitals. */
function queryFor(book: KnownBook, random: Random): string {
  const query = wayToAsk(book, random);
  return random() < 0.7 ? query.toLowerCase() : query;
}

function wayToAsk({ title, author, subjects = [] }: KnownBook, random: Random): string {
  const way = random();
  if (way < 0.35) return title;
  if (way < 0.6) return titleWords(title, random);
  if (way < 0.85 && author !== '') return authorName(author, random);
  return subjects.length === 0 ? title : drawOne(random, subjects);
}

/** One or two neighbouring words that are not function words. */
function titleWords(title: string, random: Random): string {
  const words = (title.match(/[\p{L}\p{M}\p{N}'’-]+/gu) ?? []).filter((word) => !smallWords.has(word.toLowerCase()));
  if (words.length === 0) return title;
  const at = drawIndex(random, words.length);
  return words.slice(at, at + 1 + drawIndex(random, 2)).join(' ');
}

/** The whole name of the first author, or the last word of it. */
function authorName(authors: string, random: Random): string {
  const name = authors.split(/[,;&]/, 1)[0]!.trim();
  const last = name.split(/\s+/).at(-1)!;
  return random() < 0.5 ? name : last;
}
