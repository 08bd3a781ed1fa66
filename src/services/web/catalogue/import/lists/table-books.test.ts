import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { onlyBook, readBookList, titlesIn } from '../../../../../../test/support/read-book-list.ts';
import { makeTemporaryFolder } from '../../../../../../test/support/temporary-folder.ts';
import { openBookList } from './open-book-list.ts';

const read = (content: string | Uint8Array) => readBookList('books.csv', content);
const titles = async (content: string | Uint8Array) => titlesIn((await read(content)).rows);
const oneBook = async (content: string) => onlyBook((await read(content)).rows);

const refuses = async (content: string | Uint8Array, message: RegExp): Promise<void> => {
  await assert.rejects(read(content), { code: 'bad-import-file', message });
};

describe('a CSV file of books', () => {
  it('is read as Goodreads lists are written', async () => {
    const header =
      'book_id,goodreads_book_id,isbn,isbn13,authors,original_publication_year,original_title,title,language_code,ratings_count';
    const row =
      '2,3,439554934,9.78043955493e+12,"J.K. Rowling, Mary GrandPré",1997.0,HP,"Harry Potter (Harry Potter, #1)",eng,4602479';
    assert.deepEqual(await oneBook(`${header}\n${row}\n`), {
      sourceId: '2',
      title: 'Harry Potter',
      series: 'Harry Potter #1',
      author: 'J.K. Rowling, Mary GrandPré',
      published_at: '1997',
      isbn: '9780439554930',
      language: 'en',
      popularity: 4602479,
      other_titles: ['HP'],
      unread: [],
    });
  });

  it('is read by other names, too, in any order and case', async () => {
    const { rows, unused } = await read(
      'Shelf,YEAR,Book Title,Genres,Language\nA,-720.0,Odyssey,"Epic; Myth; epic",Greek\n',
    );
    assert.deepEqual(unused, ['Shelf']);
    assert.ok(rows[0]?.problem === undefined);
    assert.deepEqual(rows[0]?.book, {
      sourceId: null,
      fields: { title: 'Odyssey', published_at: '-720', subjects: ['Epic', 'Myth'], language: 'el' },
    });
  });

  it('leaves out what it cannot read, and says which', async () => {
    const book = await oneBook('title,isbn,year,language,popularity\nEmma,123,MDCCC,Klingonese,many\n');
    assert.deepEqual(book, {
      title: 'Emma',
      sourceId: null,
      language: 'Klingonese',
      unread: ['published_at', 'isbn', 'popularity'],
    });
  });

  it('keeps as many names and subjects as there is room for', async () => {
    const names = Array.from({ length: 60 }, (_, at) => `Author ${at}`).join(', ');
    const subjects = Array.from({ length: 30 }, (_, at) => `Subject ${at}`).join('|');
    const book = await oneBook(`title,author,subjects\nEmma,"${names}",${subjects}\n`);
    assert.match(book.author ?? '', /^Author 0, .*Author \d+…$/);
    assert.ok((book.author ?? '').length <= 300);
    assert.equal(book.subjects?.length, 20);
  });

  it('may be separated by semicolons or tabs', async () => {
    assert.deepEqual(await titles('title;author\nEmma;Austen, Jane\n'), ['2: Emma']);
    assert.deepEqual(await titles('id\ttitle\n1\tEmma\n'), ['2: Emma']);
    assert.deepEqual(await titles('sep=;\ntitle;author\nEmma;Jane Austen\n'), ['3: Emma']);
  });

  it('may have a byte order mark, CRLF or CR, no last line end, and blank lines', async () => {
    assert.deepEqual(await titles('\uFEFFtitle,author\r\nEmma,J\r\n\r\n,\r\nPersuasion,J'), [
      '2: Emma',
      '5: Persuasion',
    ]);
    assert.deepEqual(await titles('title,author\rEmma,J\r'), ['2: Emma']);
  });

  it('may be UTF-16 with a byte order mark', async () => {
    const text = '\uFEFFtitle,author\r\nÉmile,Rousseau\r\n';
    assert.deepEqual(await titles(Buffer.from(text, 'utf16le')), ['2: Émile']);
    assert.deepEqual(await titles(Buffer.from(text, 'utf16le').swap16()), ['2: Émile']);
  });

  it('may have quotes, delimiters and line breaks inside quoted cells', async () => {
    const { rows } = await read('title,description\n"A ""B"", C","one\ntwo, ""three""\n\nfour"\nD,e\n');
    const [first, second] = rows;
    assert.ok(first?.problem === undefined && second?.problem === undefined);
    assert.equal(first?.book.fields.title, 'A "B", C');
    assert.equal(first?.book.fields.description, 'one\ntwo, "three"\n\nfour');
    assert.equal(second?.line, 6);
  });

  it('loses no line but the broken one', async () => {
    const lines = [
      'id,title,author',
      '1,Emma,A',
      '2,"Never closed,A',
      '3,Persuasion,A',
      '4,too few',
      '5,a,b,too many',
      '6,The 6" Pizza,A',
      '7,"Quoted, fine",A',
      '8,,no title',
      '9,"Another,B',
      `10,${'x'.repeat(501)},A`,
      '11,Last,A',
    ];
    assert.deepEqual(await titles(lines.join('\n')), [
      '2: Emma',
      '3: a quote is opened and never closed',
      '4: Persuasion',
      '5: too few',
      '6: expected 3 columns as in the header, got 4',
      '7: The 6" Pizza',
      '8: Quoted, fine',
      '9: expected a title, got nothing',
      '10: a quote is opened and never closed',
      '11: expected a title of at most 500 characters, got 501',
      '12: Last',
    ]);
  });

  it('loses only the lines that are longer than 8 MiB, and in UTF-8 those that are something else', async () => {
    const latin1 = Buffer.from('3,Émile\n', 'latin1');
    const first = Buffer.from('id,title\n1,Emma\n2,Ömer\n');
    const found = await titles(Buffer.concat([first, latin1, Buffer.from(`4,${'x'.repeat(9 << 20)}\n5,Last\n`)]));
    assert.deepEqual(found, [
      '2: Emma',
      '3: Ömer',
      '4: expected UTF-8, as in the lines before it',
      '5: longer than 8 MiB',
      '6: Last',
    ]);
  });

  it('may be in Windows-1252, or in UTF-16 without a byte order mark', async () => {
    const text = 'título,title,author\r\nx,Émile,“J”\r\n';
    const windows = Buffer.from(text.replaceAll('“', '\x93').replaceAll('”', '\x94'), 'latin1');
    assert.deepEqual((await read(windows)).rows[0], {
      line: 2,
      book: { sourceId: null, fields: { title: 'Émile', author: '“J”' } },
      unread: [],
    });
    const ascii = 'id,title\r\n1,Emile\r\n';
    assert.deepEqual(await titles(Buffer.from(ascii, 'utf16le')), ['2: Emile']);
    assert.deepEqual(await titles(Buffer.from(ascii, 'utf16le').swap16()), ['2: Emile']);
  });

  it('says when it is taken for Windows-1252', async () => {
    const table = 'title\nCafé\n';
    assert.equal((await read(Buffer.from(table, 'latin1'))).isTakenForWindows1252, true);
    assert.equal((await read(table)).isTakenForWindows1252, false);
    assert.equal((await read('title\nCafe\n')).isTakenForWindows1252, false);
  });

  it('may have a header in another language', async () => {
    for (const [header, row] of [
      ['Titel;Verfasser;Erscheinungsjahr;Sprache;Schlagwörter', 'Die Flut;Mara Ilves;1999;Deutsch;Meer'],
      ['Titre;Auteur;Année;Langue;Catégorie', 'Die Flut;Mara Ilves;1999;allemand;Meer'],
      ['Título,Autor,Año,Idioma,Género', 'Die Flut,Mara Ilves,1999,de,Meer'],
      ['Titolo,Autore,Anno,Lingua,Genere', 'Die Flut,Mara Ilves,1999,de,Meer'],
      ['Titel,Auteur,Jaar,Taal,Onderwerp', 'Die Flut,Mara Ilves,1999,de,Meer'],
      ['Tytuł,Autor,Rok wydania,Język,Gatunek', 'Die Flut,Mara Ilves,1999,de,Meer'],
      ['Название,Автор,Год издания,Язык,Жанр', 'Die Flut,Mara Ilves,1999,de,Meer'],
      ['書名,著者,出版年,言語,ジャンル', 'Die Flut,Mara Ilves,1999,de,Meer'],
    ] as const) {
      const { title, author, published_at: year, subjects } = await oneBook(`${header}\n${row}\n`);
      assert.deepEqual([title, author, year, subjects], ['Die Flut', 'Mara Ilves', '1999', ['Meer']], header);
    }
  });

  it('has no book where nobody would see the title', async () => {
    assert.deepEqual(await titles('title,author\n\u200B,Ann\n'), ['2: expected a title, got nothing']);
  });

  it('may have short rows, lines before its header, and other delimiters', async () => {
    assert.deepEqual(await oneBook('title,author,year\nEmma\n'), { title: 'Emma', sourceId: null, unread: [] });
    assert.deepEqual(await titles('My books\nas of 2024\n\nTitle|Author|Year\nEmma|J|1815\n'), ['5: Emma']);
  });

  it('may have backslashes before quotes, and lines that are quoted as a whole', async () => {
    const backslashes = 'id;title;author\n"1";"The \\"Real\\" One";"A"\n"2";"D\\"Arcy";"B"\n"3";"Ends \\\\";"C"\n';
    assert.deepEqual(await titles(backslashes), ['2: The "Real" One', '3: D"Arcy', '4: Ends \\']);
    const whole = '"id,""title"",""author"""\n"1,""Emma, or not"",""A"""\n"2,""Persuasion"",""B"""\n';
    assert.deepEqual(await titles(whole), ['2: Emma, or not', '3: Persuasion']);
  });

  it('has columns for one field that fill each other row by row', async () => {
    const { rows } = await read(
      'title,Original Publication Year,Year Published,Author,Author l-f,Additional Authors\n' +
        'One,1990,2001,Ann Author,"Author, Ann",\nTwo,,2001,,"Author, Ann","Ben Second, Cy Third"\n',
    );
    const books = rows.map((row) => (row.problem === undefined ? row.book.fields : row.problem));
    assert.deepEqual(books, [
      { title: 'One', published_at: '1990', author: 'Ann Author' },
      { title: 'Two', published_at: '2001', author: 'Author, Ann; Ben Second; Cy Third' },
    ]);
  });

  it('reads the columns that its user names', async () => {
    const chosen = new Map([['title', 'Werk'] as const, ['author', 'Von'] as const]);
    const { rows } = await readBookList('books.csv', 'Werk,Von,title\nEmma,Jane,shelf 3\n', chosen);
    assert.deepEqual(onlyBook(rows), { title: 'Emma', author: 'Jane', sourceId: null, unread: [] });
    const missing = readBookList('books.csv', 'title\nEmma\n', new Map([['author', 'Von']]));
    await assert.rejects(missing, { code: 'bad-import-file', message: /expected a column "Von".*found title/ });
  });

  it('is read whole when it is larger than what is read at once', async () => {
    const rows = Array.from({ length: 20_000 }, (_, at) => `${at},"Title ${at}, or\nanother",${'é'.repeat(at % 50)}`);
    const read = await titles(`id,title,author\n${rows.join('\n')}\n`);
    assert.equal(read.length, 20_000);
    assert.equal(read.at(-1), '40000: Title 19999, or another');
  });

  it('is refused when it has no titles', async () => {
    await assert.rejects(readBookList('books.csv', 'id,author\n1,Ann\n', new Map([['title', 'Nope']])), {
      code: 'bad-import-file',
      message: /--columns: expected a column "Nope" in the header, got "id,author"/,
    });
    await refuses('id,author\n1,Jane Austen\n', /expected a column for titles in the header/);
    await refuses('', /the file is empty/);
    await refuses('\n\n', /only blank lines/);
  });

  it('is refused when it is not text', async () => {
    await refuses(Buffer.from([0x1f, 0x8b, 8, 0, 1]), /archive is damaged/);
    await refuses(Buffer.from('PK\u0003\u0004xl/workbook.xml'), /archive is damaged/);
    await refuses(Buffer.from('title\0author'), /binary/);
  });

  it('is refused in UTF-32', async () => {
    const table = Array.from('\uFEFFtitle\nEmma\n', (letter) =>
      [letter.codePointAt(0)!, 0].flatMap((at) => [at & 255, at >> 8]),
    );
    await refuses(Buffer.from(table.flat()), /UTF-32/);
  });

  it('is refused when there is no file', async () => {
    const folder = makeTemporaryFolder();
    await mkdir(join(folder, 'sub'));
    await assert.rejects(openBookList(join(folder, 'sub')), { code: 'bad-import-file', message: /folder/ });
    await assert.rejects(openBookList(join(folder, 'none.csv')), {
      code: 'bad-import-file',
      message: /no such file/,
    });
    await assert.rejects(openBookList('/dev/null'), { code: 'bad-import-file', message: /device/ });
  });
});
