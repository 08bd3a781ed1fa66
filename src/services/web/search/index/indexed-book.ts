import { listedBook, type Book } from '../../../../events/book.ts';
import { toIsbn13 } from '../../../../text/isbn.ts';
import { splitAuthors } from '../../../../text/authors.ts';
import { foldText } from '../../../../text/fold.ts';
import { cutWords } from '../../../../text/words.ts';

/** A book as the index stores it. The four texts are what FTS5 indexes and what `RankedBook` describes. */
export type IndexedBook = {
  readonly title: string;
  readonly mainTitleWords: number;
  readonly author: string;
  readonly series: string;
  readonly subjects: string;
  /** The JSON of the book as lists and events carry it. */
  readonly json: Uint8Array;
  readonly popularity: number;
  readonly isbn: string | null;
  readonly year: number | null;
  readonly language: string | null;
  /** Names and subjects as shown, one on each line. */
  readonly shownAuthors: string;
  readonly shownSubjects: string;
};

/** Beyond what any shop counts, and exact as a number with everything readers may add. */
const mostPopularity = 1e12;
const subtitle = /\s*[(:;[]|\s[-–—]\s/;

export function indexedBook(book: Book): IndexedBook {
  const subjects = book.subjects ?? [];
  return {
    title: indexText(book.title),
    mainTitleWords: mainTitleWords(book.title),
    author: indexText(book.author),
    series: indexText(book.series ?? ''),
    subjects: indexText(subjects.join(' . ')),
    json: Buffer.from(JSON.stringify(listedBook(book))),
    popularity: Math.min(book.popularity ?? 0, mostPopularity),
    isbn: toIsbn13(book.isbn ?? ''),
    year: yearOf(book.published_at ?? ''),
    language: book.language === undefined || book.language === null ? null : foldText(book.language),
    shownAuthors: splitAuthors(book.author).join('\n'),
    shownSubjects: subjects.map((subject) => subject.replaceAll('\n', ' ')).join('\n'),
  };
}

function indexText(text: string): string {
  const own: string[] = [];
  const extra = new Set<string>();
  for (const cut of cutWords(text)) {
    if (cut.extra) extra.add(cut.word);
    else own.push(cut.word);
  }
  if (own.length === 0) return '';
  return extra.size === 0 ? ` ${own.join(' ')} | ` : ` ${own.join(' ')} | ${[...extra].join(' ')} `;
}

function mainTitleWords(title: string): number {
  const end = title.search(subtitle);
  const words = cutWords(end > 0 ? title.slice(0, end) : title).filter(({ extra }) => !extra).length;
  return words;
}

function yearOf(publishedAt: string): number | null {
  const year = /^-?\d{1,6}/.exec(publishedAt)?.[0];
  return year === undefined ? null : Number(year);
}
