import type { Book } from '../../src/events/book.ts';
import type { Recommended } from '../../src/services/recommendation/answers/recommend.ts';
import { strengths } from '../../src/services/recommendation/recommendation-projection.ts';
import type { Taste } from '../../src/services/recommendation/store/recommendation-store.ts';
import { authorKeys } from '../../src/text/authors-and-isbn.ts';

/** What ten readers search, one after the other. Each opens the first book of every answer. */
const searches: Readonly<Record<string, readonly string[]>> = {
  fantasy: ['tolkien', 'sanderson', 'robin hobb', 'gaiman', 'rothfuss'],
  crime: ['agatha christie', 'ian rankin', 'tana french', 'sherlock', 'stieg larsson'],
  classics: ['austen', 'dickens', 'tolstoy', 'charlotte brontë', 'hardy'],
  'science fiction': ['asimov', 'philip k. dick', 'le guin', 'dune', 'gibson'],
  "children's": ['roald dahl', 'seuss', 'lemony', 'winnie', 'c.s. lewis'],
  romance: ['nora roberts', 'nicholas sparks', 'jojo moyes', 'outlander', 'julia quinn'],
  history: ['mccullough', 'ambrose', 'antony beevor', 'goodwin', 'bill bryson'],
  horror: ['stephen king', 'lovecraft', 'anne rice', 'koontz', 'dracula'],
  'graphic novels': ['alan moore', 'sandman', 'watchmen', 'saga', 'maus'],
  'popular science': ['carl sagan', 'hawking', 'dawkins', 'oliver sacks', 'gleick'],
};
const resultsSeen = 10;
const mostResults = 2;
const fewestByNewAuthors = 3;
const mostByOneAuthor = 2;

/** The lists that scripted readers get, for a person to judge, and which rules of the shown list they break. */
export function listsOfScriptedReaders(
  books: readonly Book[],
  recommend: (taste: Taste) => readonly Recommended[],
  workOf: (bookId: number) => number,
) {
  return Object.entries(searches).map(([reader, queries]) => {
    const taste = tasteOf(books, queries);
    const opened = taste.liked.map(({ bookId }) => books[bookId - 1]!);
    const list = recommend(taste).map((one) => ({ ...one, ...books[one.bookId - 1]! }));
    const known = new Set(opened.flatMap(({ author }) => authorKeys(author)));
    const results = new Set(taste.searches.flatMap(({ bookIds }) => bookIds.map(workOf)));
    const settled = new Set(opened.map(({ id }) => workOf(id)));
    const byAuthor = Map.groupBy(
      list.flatMap(({ author }) => authorKeys(author)),
      (author) => author,
    );
    const figures = {
      books: list.length,
      recent_results: list.filter(({ id }) => results.has(workOf(id))).length,
      by_new_authors: list.filter(({ author }) => !authorKeys(author).some((key) => known.has(key))).length,
      most_by_one_author: Math.max(0, ...Array.from(byAuthor.values(), (same) => same.length)),
      opened_before: list.filter(({ id }) => settled.has(workOf(id))).length,
    };
    const rulesHold =
      figures.recent_results <= mostResults &&
      figures.by_new_authors >= fewestByNewAuthors &&
      figures.most_by_one_author <= mostByOneAuthor &&
      figures.opened_before === 0 &&
      new Set(list.map(({ id }) => workOf(id))).size === list.length;
    return {
      reader,
      opened: opened.map(({ title }) => title),
      list: list.map(({ title, author, tier, reasons }) => `${title} / ${author} [${tier}: ${reasons[0]!.text}]`),
      ...figures,
      rules_hold: rulesHold,
    };
  });
}

function tasteOf(books: readonly Book[], queries: readonly string[]): Taste {
  const found = queries.map((query, at) => {
    const holds = ({ title, author }: Book): boolean => `${title} ${author}`.toLowerCase().includes(query);
    return {
      query,
      bookIds: books
        .filter(holds)
        .slice(0, resultsSeen)
        .map(({ id }) => id),
      time: at,
    };
  });
  const latestFirst = found.filter(({ bookIds }) => bookIds.length > 0).toReversed();
  const firsts = new Map(latestFirst.map(({ bookIds, time }) => [bookIds[0]!, time]));
  return {
    searches: latestFirst,
    liked: Array.from(firsts, ([bookId, time]) => ({ bookId, strength: strengths.opened, time })),
    verdicts: [],
  };
}
