import { bookAt, popularityPointsAt } from './book-place.ts';
import { indexText, type BookRow } from './book-row.ts';

/** What ranking looks at. Texts are as `indexText` gives them. */
export type RankedBook = {
  readonly id: number;
  readonly place: number;
  /** log₂(1 + popularity), to a sixteenth. */
  readonly popularityPoints: number;
  readonly title: string;
  /** How many words the title has before a subtitle or series. */
  readonly mainTitleWords: number;
  readonly author: string;
  readonly series: string;
  readonly subjects: string;
  readonly otherTitles: string;
};

export type Field = 'title' | 'author' | 'series' | 'subjects' | 'otherTitles';

/** What ranking needs of a row. */
export type RankedRow = Pick<
  BookRow,
  'titleWords' | 'mainTitleWords' | 'author' | 'series' | 'subjects' | 'otherTitles'
>;

export function rankedBook(place: number, row: RankedRow): RankedBook {
  return {
    id: bookAt(place),
    place,
    popularityPoints: popularityPointsAt(place),
    title: row.titleWords,
    mainTitleWords: row.mainTitleWords,
    author: indexText(row.author),
    series: row.series === null ? '' : indexText(row.series),
    subjects: row.subjects === null ? '' : indexText(row.subjects),
    otherTitles: row.otherTitles === null ? '' : indexText(row.otherTitles),
  };
}
