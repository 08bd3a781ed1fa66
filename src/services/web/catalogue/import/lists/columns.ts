/** What a column of a list of books may hold. */
export type BookColumn = keyof typeof columnNames;

/**
 * The names of each column, the best first, compared by `columnKey`. If a list has several columns of a kind, each row
 * takes the first that has a value.
 */
const columnNames = {
  id: ['book id', 'id', 'source id', 'work key', 'key', 'record id', 'item id', 'remote id'],
  title: ['title', 'book title', 'name', 'book name', 'full title', 'title without series'],
  originalTitle: ['original title', 'original book title'],
  subtitle: ['subtitle', 'sub title', 'title remainder'],
  otherTitles: ['other titles', 'alternative title', 'alternate title', 'alt title', 'also known as'],
  author: [
    'author',
    'author name',
    'book author',
    'primary author',
    'author text',
    'creator',
    'writer',
    'written by',
    'by',
    'author l-f',
    'author sort',
    'by statement',
  ],
  moreAuthors: ['additional author', 'secondary author', 'co author', 'other author'],
  authorRole: ['primary author role'],
  moreAuthorRoles: ['secondary author role'],
  published: [
    'original publication year',
    'original publication date',
    'first publish year',
    'first publish date',
    'first published',
    'publication year',
    'published year',
    'year published',
    'year of publication',
    'published at',
    'publication date',
    'published date',
    'date published',
    'publish date',
    'publish year',
    'published',
    'pubdate',
    'pub date',
    'pub year',
    'release date',
    'release year',
    'year',
    'date',
    'publication',
  ],
  description: [
    'description',
    'book description',
    'summary',
    'synopsis',
    'blurb',
    'overview',
    'annotation',
    'abstract',
    'plot',
    'about',
  ],
  isbn: ['isbn13', 'isbn 13', 'ean isbn13', 'ean', 'isbn', 'isbn10', 'isbn 10', 'upc isbn10', 'isbn/uid', 'identifier'],
  series: ['series', 'series name', 'series title', 'book series'],
  seriesNumber: ['series index', 'series number', 'series position', 'number in series', 'book number', 'volume'],
  subjects: ['subject', 'genre', 'category', 'tag', 'keyword', 'topic', 'categories', 'main genre', 'book genre'],
  language: ['language code', 'language', 'lang', 'original language code'],
  popularity: [
    'ratings count',
    'popularity',
    'num ratings',
    'number of ratings',
    'rating count',
    'total ratings',
    'work ratings count',
    'download count',
    'readers',
  ],
} as const satisfies Record<string, readonly string[]>;

/** Names in the languages of other shops, in the order of how many lists have them. */
const foreignNames: Partial<Record<BookColumn, string>> = {
  title: 'titel, buchtitel, titre, título, titolo, tytuł, название, заглавие, 書名, タイトル, 书名, 題名, 제목',
  subtitle: 'untertitel, sous-titre, subtítulo, sottotitolo, ondertitel, podtytuł, подзаголовок',
  author: 'autor, autorin, verfasser, auteur, autore, författare, forfatter, автор, 著者, 作者, 저자',
  published:
    'erscheinungsjahr, erscheinungsdatum, jahr, année, année de publication, date de publication, año, ' +
    'año de publicación, ano, anno, anno di pubblicazione, jaar, rok, rok wydania, år, год, год издания, ' +
    '出版年, 出版日, 発行年, 年份, 출판년',
  description: 'beschreibung, résumé, descripción, descrizione, descrição, beschrijving, opis, описание, 説明, 简介',
  series: 'reihe, serie, série, collana, reeks, серия, シリーズ, 丛书',
  subjects:
    'schlagwort, schlagwörter, genre, kategorie, thema, sujet, catégorie, género, categoría, genere, categoria, ' +
    'onderwerp, gatunek, kategoria, жанр, ジャンル, 分类',
  language: 'sprache, langue, idioma, lingua, taal, język, språk, язык, 言語, 语言',
};

/** A program whose exports are recognised by their columns. */
type Program = {
  /** Also the name of the source. */
  readonly name: string;
  readonly has: readonly string[];
  /** Columns whose meaning differs from their names. An empty list: the field is not read. */
  readonly columns?: Partial<Record<BookColumn, readonly string[]>>;
};

const programs: readonly Program[] = [
  { name: 'goodreads', has: ['author l-f', 'exclusive shelf'] },
  {
    name: 'librarything',
    has: ['sort character', 'primary author'],
    // Its column "summary" is the citation. Its tags are more useful than its subjects.
    columns: { description: [], subjects: ['tag', 'subject'] },
  },
  { name: 'calibre', has: ['author sort', 'title sort'], columns: { description: ['comments'] } },
  { name: 'storygraph', has: ['isbn/uid', 'read status'] },
  { name: 'bookwyrm', has: ['author text', 'remote id'] },
  { name: 'libib', has: ['item type', 'ean isbn13'], columns: { author: ['creator'] } },
  { name: 'gutenberg', has: ['text#', 'locc'], columns: { id: ['text#'] } },
  { name: 'book-crossing', has: ['isbn', 'book title', 'book author', 'year of publication'] },
  {
    name: 'gutendex',
    has: ['download count', 'media type'],
    columns: { description: ['summary'] },
  },
  { name: 'goodreads-graph', has: ['popular shelves', 'title without series'] },
];

/** Equal for names that differ in case, spaces, punctuation, camel case or a plural. */
export function columnKey(name: string): string {
  const letters = name
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}#]+/gu, '');
  return letters.replace(/(?<=\p{L}{3})(?:(?<=\p{L})ie)?s$/u, (ending) => (ending === 'ies' ? 'y' : ''));
}

const allNames = Object.entries(columnNames).map(([name, english]): readonly [BookColumn, readonly string[]] => {
  const column = name as BookColumn;
  return [column, [...english, ...(foreignNames[column]?.split(', ') ?? [])]];
});

const titleKeys = new Set(
  allNames.flatMap(([column, names]) => (column === 'title' || column === 'originalTitle' ? names.map(columnKey) : [])),
);

export function isTitleColumn(name: string): boolean {
  return titleKeys.has(columnKey(name));
}

export type FoundColumns = {
  /** Where in the header the columns of each kind stand, the best first. */
  readonly at: ReadonlyMap<BookColumn, readonly number[]>;
  /** Headers from which nothing is read. */
  readonly unused: readonly string[];
  /** Which columns each field is read from: `author ← Author, Author l-f`. */
  readonly taken: readonly string[];
  /** The program that wrote the list; `null` when its columns do not show it. */
  readonly program: string | null;
};

/** Columns that the user has named, by the field they are for. */
export type ChosenColumns = ReadonlyMap<BookColumn, string>;

const fieldNames: Readonly<Record<string, BookColumn>> = {
  ...Object.fromEntries(Object.keys(columnNames).map((column) => [columnKey(column), column as BookColumn])),
  [columnKey('published_at')]: 'published',
};

/** The kind of column that a user means by a field name such as `author` or `published_at`. */
export function fieldNamed(name: string): BookColumn | undefined {
  return fieldNames[columnKey(name)];
}

export const fieldList = 'id, title, author, published_at, description, isbn, series, subjects, language, popularity';

export function findColumns(header: readonly string[], chosen: ChosenColumns = new Map()): FoundColumns {
  const keys = header.map(columnKey);
  const program = programs.find(({ has }) => has.every((name) => keys.includes(columnKey(name))));
  const at = new Map<BookColumn, readonly number[]>();
  for (const [column, names] of allNames) {
    const chosenName = chosen.get(column);
    const wanted = chosenName === undefined ? (program?.columns?.[column] ?? names) : [chosenName];
    const found = [...new Set(wanted.map(columnKey))].flatMap((key) => indexesOf(keys, key));
    if (found.length > 0) at.set(column, found);
  }
  if (!at.has('title') && at.has('originalTitle')) at.set('title', at.get('originalTitle')!);
  const used = new Set([...at.values()].flat());
  return {
    at,
    unused: header.filter((name, index) => name.trim() !== '' && !used.has(index)),
    taken: describeTaken(at, header),
    program: program?.name ?? null,
  };
}

/** The field of a book that a column goes into. */
export const fieldOf: Readonly<Record<BookColumn, string>> = {
  id: 'id',
  title: 'title',
  originalTitle: 'other_titles',
  subtitle: 'other_titles',
  otherTitles: 'other_titles',
  author: 'author',
  moreAuthors: 'author',
  authorRole: 'author',
  moreAuthorRoles: 'author',
  published: 'published_at',
  description: 'description',
  isbn: 'isbn',
  series: 'series',
  seriesNumber: 'series',
  subjects: 'subjects',
  language: 'language',
  popularity: 'popularity',
};

function describeTaken(at: FoundColumns['at'], header: readonly string[]): readonly string[] {
  const names = new Map<string, string[]>();
  for (const [column, indexes] of at) {
    const known = names.get(fieldOf[column]) ?? [];
    names.set(fieldOf[column], [...known, ...indexes.map((index) => header[index]!.trim())]);
  }
  return Array.from(names, ([field, columns]) => `${field} ← ${columns.join(', ')}`);
}

function indexesOf(keys: readonly string[], key: string): readonly number[] {
  return keys.flatMap((one, index) => (one === key ? [index] : []));
}
