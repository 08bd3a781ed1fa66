import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openShelf, type OpenShelf } from '../../../../../test/support/open-shelf.ts';
import { makeTemporaryFolder } from '../../../../../test/support/temporary-folder.ts';
import type { Book } from '../../../../events/book.ts';
import { findBooks, type FoundBooks, type SearchRequest } from './find-books.ts';

/** What readers type, and the title or author they mean. */
const bookcase: readonly Omit<Book, 'id'>[] = [
  { title: 'To Kill a Mockingbird', author: 'Harper Lee', popularity: 900_000, language: 'en' },
  { title: 'The Hobbit', author: 'J.R.R. Tolkien', popularity: 800_000, language: 'en' },
  { title: 'The Lord of the Rings', author: 'J.R.R. Tolkien', popularity: 700_000, language: 'en' },
  {
    title: 'A Game of Thrones',
    author: 'George R.R. Martin',
    popularity: 900_000,
    series: 'A Song of Ice and Fire #1',
  },
  {
    title: "Harry Potter and the Sorcerer's Stone",
    author: 'J.K. Rowling',
    popularity: 990_000,
    series: 'Harry Potter #1',
  },
  {
    title: 'Harry Potter and the Prisoner of Azkaban',
    author: 'J.K. Rowling',
    popularity: 950_000,
    series: 'Harry Potter #3',
  },
  { title: 'Catching Fire', author: 'Suzanne Collins', popularity: 900_000, series: 'The Hunger Games #2' },
  { title: 'The Hunger Games', author: 'Suzanne Collins', popularity: 980_000, series: 'The Hunger Games #1' },
  { title: 'The Stranger', author: 'Albert Camus', popularity: 400_000, other_titles: ["L'Étranger"] },
  {
    title: 'One Hundred Years of Solitude',
    author: 'Gabriel García Márquez',
    popularity: 500_000,
    other_titles: ['Cien años de soledad'],
  },
  { title: 'Wuthering Heights', author: 'Emily Brontë', popularity: 600_000 },
  { title: 'The Grapes of Wrath', author: 'John Steinbeck', popularity: 500_000 },
  { title: 'Of Mice and Men', author: 'John Steinbeck', popularity: 600_000 },
  { title: 'Catch-22', author: 'Joseph Heller', popularity: 500_000 },
  { title: 'Brave New World', author: 'Aldous Huxley', popularity: 600_000 },
  { title: 'War and Peace', author: 'Leo Tolstoy', popularity: 300_000 },
  { title: 'Moby-Dick; or, The Whale', author: 'Herman Melville', popularity: 400_000 },
  { title: 'Fahrenheit 451', author: 'Ray Bradbury', popularity: 500_000 },
  { title: 'The Great Gatsby', author: 'F. Scott Fitzgerald', popularity: 900_000 },
  { title: 'Frankenstein', author: 'Mary Shelley', popularity: 700_000 },
  { title: 'Beyond Good and Evil', author: 'Friedrich Nietzsche', popularity: 100_000 },
  { title: 'Henry IV, Part 1', author: 'William Shakespeare', popularity: 50_000 },
  { title: 'Collected Poems, Vol. 2', author: 'W. H. Auden', popularity: 5_000 },
  { title: 'St. Joan', author: 'Bernard Shaw', popularity: 30_000 },
  { title: 'The Color of Magic', author: 'Terry Pratchett', popularity: 200_000, series: 'Discworld #1' },
  { title: 'Fifty Shades of Grey', author: 'E.L. James', popularity: 800_000 },
  { title: '4:50 from Paddington', author: 'Agatha Christie', popularity: 40_000 },
  { title: 'The Five People You Meet in Heaven', author: 'Mitch Albom', popularity: 400_000 },
  { title: 'The 5th Wave', author: 'Rick Yancey', popularity: 300_000 },
  { title: 'Slaughterhouse-Five', author: 'Kurt Vonnegut', popularity: 700_000 },
  { title: 'Dune', author: 'Frank Herbert', popularity: 800_000 },
  { title: 'The Time in Between', author: 'María Dueñas', popularity: 20_000 },
  { title: 'The Da Vinci Code', author: 'Dan Brown', popularity: 800_000 },
  { title: 'Der Steppenwolf', author: 'Hermann Müller-Hesse', popularity: 100_000 },
  { title: 'The Shining', author: 'Stephen King', popularity: 700_000 },
  { title: 'Animal, Vegetable, Miracle', author: 'Barbara Kingsolver, Steven L. Hopp', popularity: 80_000 },
  { title: 'Life of Pi', author: 'Yann Martel', popularity: 800_000 },
  { title: 'If Life Is a Bowl of Cherries, What Am I Doing in the Pits?', author: 'Erma Bombeck', popularity: 10_000 },
  { title: 'City of Bones', author: 'Cassandra Clare', popularity: 700_000 },
  { title: 'Lord of the Flies', author: 'William Golding', popularity: 900_000 },
  { title: 'Pygmalion: Paperback Edition', author: 'Bernard Shaw', popularity: 10_000 },
  { title: 'Dune Messiah', author: 'Frank Herbert', popularity: 100_000, series: 'Dune Chronicles #2' },
  { title: 'Good Omens', author: 'Terry Pratchett, Neil Gaiman', popularity: 300_000 },
  {
    title: 'The Return of the King',
    author: 'J.R.R. Tolkien',
    popularity: 600_000,
    series: 'The Lord of the Rings #3',
  },
  {
    title: 'A Storm of Swords',
    author: 'George R.R. Martin',
    popularity: 500_000,
    series: 'A Song of Ice and Fire #3',
  },
  { title: 'The Catcher in the Rye', author: 'J.D. Salinger', popularity: 900_000 },
  { title: 'The Adventures of Tom Sawyer', author: 'Mark Twain, Guy Cardwell', popularity: 300_000 },
  { title: 'The Mark of Athena', author: 'Rick Riordan', popularity: 400_000 },
  { title: 'One Day in the Life of Ivan Denisovich', author: 'Aleksandr Solzhenitsyn', popularity: 80_000 },
  { title: '2001: A Space Odyssey', author: 'Arthur C. Clarke', popularity: 200_000 },
  { title: '11/22/63', author: 'Stephen King', popularity: 200_000 },
  { title: 'Unbroken: A World War II Story of Survival', author: 'Laura Hillenbrand', popularity: 400_000 },
  { title: 'The Poet', author: 'Michael Connelly', popularity: 50_000 },
  { title: 'The Raven and Other Tales', author: 'Edgar Allan Poe', popularity: 300_000 },
  { title: 'Empire of the Comanches', author: 'S.C. Gwynne', popularity: 100_000 },
  { title: 'Vampire Academy', author: 'Richelle Mead', popularity: 300_000 },
  { title: 'Romance for Beginners', author: 'Ann Hall', popularity: 100 },
  {
    title: 'The Hunger Games Trilogy Boxset',
    author: 'Suzanne Collins',
    popularity: 100_000,
    series: 'The Hunger Games #1-3',
  },
];

const meant: readonly (readonly [query: string, meant: RegExp, corrected?: string])[] = [
  ['to kill a mokingbird', /Mockingbird/, 'to kill a mockingbird'],
  ['tolkein', /Hobbit/, 'tolkien'],
  ['game of throns', /Thrones/, 'game of thrones'],
  ['harrypotter', /Harry Potter/, 'harry potter'],
  ['harrypoter', /Harry Potter/, 'harry potter'],
  ['fahrenhiet451', /Fahrenheit/, 'fahrenheit 451'],
  ['greatgatbsy', /Gatsby/, 'great gatsby'],
  ['harry poter', /Harry Potter/, 'harry potter'],
  ['har ry potter', /Harry Potter/],
  ['moc kingbird', /Mockingbird/],
  ['catch22', /Catch-22/],
  ['farenheit 451', /Fahrenheit 451/, 'fahrenheit 451'],
  ['brave new wrold', /Brave New World/, 'brave new world'],
  ['nietzche', /Beyond Good/],
  ['frankenstien', /Frankenstein/],
  ['grape of wrath', /Grapes of Wrath/],
  ['gatsbys', /Gatsby/],
  ['frankenst', /Frankenstein/],
  ['frakenst', /Frankenstein/],
  ['war peace tolstoi', /War and Peace/],
  ['harry potter 3', /Azkaban/],
  ['hunger games 2', /Catching Fire/],
  ["l'étranger", /Stranger/],
  ['cien anos de soledad', /Solitude/],
  ['bronte', /Wuthering/],
  ['lotr', /Lord of the Rings/],
  ['books like harry potter', /Harry Potter/],
  ['book about whales', /Moby/],
  ['rowling j k', /Harry Potter/],
  ['henry 4', /Henry IV/],
  ['auden volume 2', /Poems/],
  ['saint joan', /Joan/],
  ['mueller hesse', /Steppenwolf/],
  ['peace and war', /War and Peace/],
  ['discworld', /Color of Magic/],
  ['author:tolkien hobbit', /Hobbit/],
  ['author:tolkien hobit', /Hobbit/],
  ['hobbit author:tolkien', /Hobbit/],
  ['author:"j.r.r. tolkien" lord', /Lord of the Rings/],
  ['lord author:"tolkien" rings', /Lord of the Rings/],
  ['author:j.r.r. tolkien hobbit', /Hobbit/],
  ['tokillamockingbird', /Mockingbird/, 'to kill a mockingbird'],
  ['tokillamokingbird', /Mockingbird/, 'to kill a mockingbird'],
  ['tokilamockingbird', /Mockingbird/],
  ['lorfoftherings', /Lord of the Rings/, 'lord of the rings'],
  ['thegreatgatsby', /Gatsby/, 'the great gatsby'],
  ['lordoftherings', /Lord of the Rings/, 'lord of the rings'],
  ['gameofthrones', /Thrones/, 'game of thrones'],
  ['gameofthrones martin', /Thrones/],
  ['duen', /Dune/, 'dune'],
  ['dueñ', /Dune/],
  ['duena', /Time in Between/],
  ['50 shades', /Fifty Shades/],
  ['5 people you meet', /Five People/],
  ['fifth wave', /5th Wave/],
  ['slaughterhouse 5', /Slaughterhouse/],
  ['100 years of solitude', /Solitude/],
  ['fahrenheit 450', /Fahrenheit 451/],
  ['the davinchi code', /Da Vinci/, 'the da vinci code'],
  ['steven king', /Shining/, 'stephen king'],
  ['kingsolver hopp', /Vegetable/],
  ['gaiman pratchett', /Good Omens/],
  ['hunger games two', /Catching Fire/],
  ['second hunger games', /Catching Fire/],
  ['hunger games part two', /Catching Fire/],
  ['harry potter book three', /Azkaban/],
  ['catch twenty two', /Catch-22/],
  ['dune part two', /Messiah/],
  ['second dune', /Messiah/],
  ['the life of pi', /Life of Pi/],
  ['cities of bones', /City of Bones/],
  ['lord of the flys', /Flies/],
  ['hobbit paperback', /Hobbit/],
  ['a copy of the hobbit please', /Hobbit/],
  ['to kil a mocking bird', /Mockingbird/, 'to kill a mockingbird'],
  ['lotr 3', /Return of the King/, 'the lord of the rings 3'],
  ['hp 3', /Azkaban/, 'harry potter 3'],
  ['asoiaf', /Game of Thrones/],
  ['asoiaf 3', /Storm of Swords/],
  ['game of thrones book three', /Storm of Swords/, 'a song of ice and fire 3'],
  ['catch her in the rye', /Catcher/, 'catcher in the rye'],
  ['mouse and men', /Mice and Men/, 'mice and men'],
  ['mark twane', /Sawyer/, 'mark twain'],
  ['solshenizyn', /Denisovich/, 'solzhenitsyn'],
  ['fahrenheit four fifty one', /Fahrenheit 451/],
  ['two thousand and one space odyssey', /2001/],
  ['2001 2', /2001/],
  ['112263', /^11.22.63$/, '11 22 63'],
  ['pratch color of', /Color of Magic/, 'pratchett color of'],
  ['theshinning', /Shining/, 'the shining'],
  ['eleven twenty two sixty three', /^11.22.63$/],
  ['books about ww2', /World War II/, 'world war 2'],
  ['poe', /Raven/],
  ['vampire romance', /^(?:Vampire Academy|Romance for Beginners)$/],
];

describe('search, as readers type', () => {
  const folder = makeTemporaryFolder();

  const search = (shelf: OpenShelf, text: string, request: Partial<SearchRequest> = {}): FoundBooks =>
    findBooks(shelf, shelf.vocabulary, { text, offset: 0, limit: 10, ...request });
  const titlesIn = (books: readonly Omit<Book, 'id'>[], { bookIds }: FoundBooks): readonly string[] =>
    bookIds.map((id) => books[id - 1]!.title);

  it('finds the book that was meant, and says what was corrected', () => {
    const shelf = openShelf(join(folder, 'meant.sqlite'), bookcase);
    for (const [query, title, corrected] of meant) {
      const found = search(shelf, query);
      assert.match(titlesIn(bookcase, found)[0] ?? 'nothing', title, query);
      if (corrected !== undefined) assert.equal(found.corrected, corrected, query);
    }
    shelf.close();
  });

  it('corrects nothing when asked to, in numbers, or where words are known', () => {
    const shelf = openShelf(join(folder, 'exact.sqlite'), bookcase);
    assert.deepEqual(search(shelf, 'tolkein', { exact: true }).bookIds, []);
    assert.equal(search(shelf, 'fahrenheit 452').corrected, null);
    assert.equal(search(shelf, 'tolkien').corrected, null);
    assert.deepEqual(search(shelf, 'principito de la').bookIds, []);
    shelf.close();
  });

  it('takes known words as typed if a title has them together with the misspelt ones', () => {
    const books = [
      { title: 'Married by Morning', author: 'Lisa Kleypas', popularity: 100 },
      { title: 'Darkfever', author: 'Karen Marie Moning', popularity: 900_000 },
      { title: 'The Raven Boys', author: 'Maggie Stiefvater', popularity: 400_000 },
      { title: 'Seven Bosses', author: 'A', popularity: 10 },
    ];
    const shelf = openShelf(join(folder, 'known.sqlite'), books);
    assert.deepEqual(search(shelf, 'maried morning').bookIds, [1]);
    assert.equal(titlesIn(books, search(shelf, 'raeven bos'))[0], 'The Raven Boys');
    shelf.close();
  });

  it('doubts a short known word beside a misspelt one, and no known word so much that two typing errors were needed', () => {
    const books = [
      { title: 'King Lear', author: 'William Shakespeare', popularity: 100_000 },
      ...['Coast', 'Desert', 'Island', 'Valley', 'Woods'].map((place) => {
        return { title: `The King in the ${place} of Lar`, author: 'A', popularity: 1 };
      }),
      { title: 'Mr. Murder', author: 'Dean Koontz', popularity: 30_000 },
      { title: 'Mystery Man', author: 'Kristen Ashley', popularity: 20_000 },
      { title: 'Pale Fire', author: 'Vladimir Nabokov', popularity: 30_000 },
      { title: 'Fire Works', author: 'Norman Peale', popularity: 10 },
      { title: 'Fie!', author: 'B', popularity: 1 },
    ];
    const shelf = openShelf(join(folder, 'doubtful.sqlite'), books);
    assert.equal(titlesIn(books, search(shelf, 'kivng lar'))[0], 'King Lear');
    assert.equal(titlesIn(books, search(shelf, 'kivng lar valley'))[0], 'The King in the Valley of Lar');
    assert.equal(search(shelf, 'murder mystery').corrected, null);
    assert.equal(titlesIn(books, search(shelf, 'peale fie'))[0], 'Pale Fire');
    shelf.close();
  });

  it('also corrects words that only little-known books have together, or only as the beginning of another word', () => {
    const books = [
      { title: 'King Lear', author: 'William Shakespeare', popularity: 100_000 },
      { title: 'The King of Lar', author: 'A', popularity: 3 },
      { title: 'The Snow of Lar', author: 'B', popularity: 3 },
      { title: 'The Snow of Lear', author: 'C', popularity: 25 },
    ];
    const shelf = openShelf(join(folder, 'little-known.sqlite'), books);
    const found = search(shelf, 'king lar');
    assert.equal(titlesIn(books, found)[0], 'King Lear');
    assert.equal(found.corrected, 'king lear');
    assert.deepEqual(titlesIn(books, search(shelf, 'snow lar')), ['The Snow of Lar']);
    shelf.close();
  });

  it('says less by the start of a title if one of several words is corrected', () => {
    const books = [
      { title: 'Bonnie Brier Bush Boys', author: 'A', popularity: 20 },
      { title: 'Beside the Bonnie Brier Bush', author: 'Ian Maclaren', popularity: 4_000 },
    ];
    const shelf = openShelf(join(folder, 'start.sqlite'), books);
    assert.deepEqual(search(shelf, 'bonnie brier bush').bookIds, [1, 2]);
    assert.deepEqual(search(shelf, 'bonnie brir bush').bookIds, [2, 1]);
    shelf.close();
  });

  it('guesses a name that sounds like the one typed from the books that have the other words', () => {
    const books = [
      { title: 'Alice in Wonderland', author: 'Lewis Carroll', popularity: 100_000 },
      { title: 'Holes', author: 'Louis Sachar', popularity: 90_000 },
      ...Array.from('abcdefghjklmnopqrtuvwxyz', (letter) => {
        return { title: `Lou${letter}s, Loui${letter}`, author: 'A', popularity: 1 };
      }),
    ];
    const shelf = openShelf(join(folder, 'guesses.sqlite'), books);
    const found = search(shelf, 'louis carroll');
    assert.deepEqual(titlesIn(books, found), ['Alice in Wonderland']);
    assert.equal(found.corrected, 'lewis carroll');
    shelf.close();
  });

  it('leaves out a number before a word that books have', () => {
    const shelf = openShelf(join(folder, 'numbers.sqlite'), bookcase);
    for (const [query, dropped] of [
      ['50 gatsby', ['50']],
      ['fahrenheit 450', ['450']],
      ['tolkien 451', ['451']],
    ] as const) {
      const found = search(shelf, query);
      assert.deepEqual([found.dropped, found.corrected], [dropped, null], query);
    }
    for (const query of ['50 shades', '5 people you meet', 'fifth wave', 'author:tolkien hobbit'])
      assert.deepEqual(search(shelf, query).dropped, [], query);
    shelf.close();
  });

  it('puts the book whose whole title or author was typed first, however unpopular it is', () => {
    const books = [
      ...Array.from({ length: 260 }, (_, at) => ({
        title: `Garden ${at} of Lindholm`,
        author: 'A',
        popularity: 1_000 + at,
      })),
      ...Array.from({ length: 260 }, (_, at) => ({
        title: `C++ for C number ${at}`,
        author: 'B',
        popularity: 1_000 + at,
      })),
      ...Array.from({ length: 260 }, (_, at) => ({ title: `On Plato ${at}`, author: 'D', popularity: 1_000 + at })),
      { title: 'Lindholm', author: 'Z', popularity: 1 },
      { title: 'C++', author: 'Z', popularity: 1 },
      { title: 'The Republic', author: 'Plato', popularity: 400 },
    ];
    const shelf = openShelf(join(folder, 'whole.sqlite'), books);
    const first = (query: string): string | undefined => titlesIn(books, search(shelf, query))[0];
    assert.deepEqual(['lindholm', 'c++', 'plato'].map(first), ['Lindholm', 'C++', 'The Republic']);
    const pages = [0, 100, 200].flatMap((offset) => search(shelf, 'lindholm', { offset, limit: 100 }).bookIds);
    assert.equal(new Set(pages).size, 261);
    shelf.close();
  });

  it('finds titles without a letter by typing them', () => {
    const books = [
      { title: '???', author: 'A' },
      { title: '$', author: 'B' },
      { title: '❤️‍🔥', author: 'C' },
    ];
    const shelf = openShelf(join(folder, 'symbols.sqlite'), books);
    for (const [at, { title }] of books.entries()) assert.deepEqual(search(shelf, title).bookIds, [at + 1], title);
    assert.deepEqual(search(shelf, '!!!').bookIds, []);
    shelf.close();
  });

  it('sorts all matches, not only the most popular', () => {
    const books = Array.from({ length: 22_000 }, (_, at) => ({
      title: at === 21_000 ? 'The Aardvark of Many' : `Volume ${at} of Many`,
      author: 'A',
      published_at: String(1_000 + (at % 900)),
      popularity: 30_000 - at,
    }));
    books.push({ title: 'Newest of Many', author: 'A', published_at: '2025', popularity: 0 });
    books.push({ title: 'Oldest of Many', author: 'A', published_at: '-17', popularity: 0 });
    const shelf = openShelf(join(folder, 'sorted.sqlite'), books);
    const titles = (text: string, sort: SearchRequest['sort'] & string, limit = 3): readonly string[] =>
      titlesIn(books, search(shelf, text, { sort, limit }));
    for (const text of ['', 'many']) {
      assert.deepEqual(titles(text, 'newest', 1), ['Newest of Many'], text);
      assert.deepEqual(titles(text, 'title'), ['The Aardvark of Many', 'Newest of Many', 'Oldest of Many'], text);
      assert.deepEqual(titles(text, 'oldest'), ['Oldest of Many', 'Volume 0 of Many', 'Volume 900 of Many'], text);
    }
    assert.deepEqual(titles('volume 10', 'title', 1), ['Volume 10 of Many']);
    assert.deepEqual(search(shelf, 'many', { sort: 'newest', offset: 1_000 }).bookIds, []);
    shelf.close();
  });

  it('keeps the other values of a chosen facet, and takes several values for any of them', () => {
    const books = [
      { title: 'Sea One', author: 'Ann Lee', subjects: ['Sea'], language: 'en' },
      { title: 'Sea Two', author: 'Bo Chu', subjects: ['Sea'], language: 'de' },
      { title: 'Sea Three', author: 'Cy Dee', subjects: ['Sky'], language: 'en-GB' },
    ];
    const shelf = openShelf(join(folder, 'facets.sqlite'), books);
    const none = { authors: [], subjects: [], languages: [], from: null, to: null };
    const chosen = search(shelf, 'sea', { withFacets: true, filters: { ...none, authors: ['Ann Lee', 'Bo Chu'] } });
    assert.equal(chosen.total, 2);
    assert.deepEqual(
      chosen.facets?.author.map(({ value }) => value),
      ['Ann Lee', 'Bo Chu', 'Cy Dee'],
    );
    assert.deepEqual(chosen.facets?.subject, [{ value: 'Sea', count: 2 }]);
    assert.equal(search(shelf, 'sea', { filters: { ...none, languages: ['en'] } }).total, 2);
    shelf.close();
  });
});
