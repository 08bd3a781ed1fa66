import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { onlyBook, readBookList, titlesIn } from '../../../../../../test/support/read-book-list.ts';

const lines = (...objects: readonly unknown[]): string =>
  objects.map((object) => `${typeof object === 'string' ? object : JSON.stringify(object)}\n`).join('');

const read = (content: string | Uint8Array, name = 'books.ndjson') => readBookList(name, content);
const titles = async (content: string | Uint8Array, name?: string) => titlesIn((await read(content, name)).rows);
const oneBook = async (object: unknown) => onlyBook((await read(lines(object))).rows);

const whole = {
  sourceId: '2',
  title: 'Harry Potter',
  series: 'Harry Potter #1',
  author: 'J.K. Rowling, Mary GrandPré',
  published_at: '1997',
  description: 'A boy.\n\nA school.',
  isbn: '9780439554930',
  subjects: ['Magic', 'School, boarding'],
  language: 'en',
  popularity: 4602479,
  leftOut: [],
};

describe('an NDJSON file of books', () => {
  it('has its keys by the same names as the columns of a CSV file', async () => {
    const object = {
      book_id: '2',
      Authors: 'J.K. Rowling, Mary GrandPré',
      'Original Publication Year': '1997.0',
      title: 'Harry Potter (Harry Potter, #1)',
      description: 'A boy.\n\nA school.',
      isbn: '439554934',
      genres: 'Magic; School, boarding; magic',
      language_code: 'eng',
      ratings_count: '4,602,479',
    };
    assert.deepEqual(await oneBook(object), whole);
  });

  it('may say with numbers and lists what CSV says with text', async () => {
    const object = {
      id: 2,
      author_name: ['J.K. Rowling', 'Mary GrandPré'],
      year: 1997,
      title: 'Harry Potter',
      series: ['Harry Potter #1', 'Hogwarts'],
      description: 'A boy.\n\nA school.',
      isbn: [null, '123', 9780439554930],
      subjects: ['Magic', 'School, boarding', ' magic ', ''],
      language: ['eng', 'fre'],
      popularity: 4602479,
    };
    assert.deepEqual(await oneBook(object), whole);
  });

  it('leaves alone what is not there, and empties what is null, blank or an empty list', async () => {
    assert.deepEqual(await oneBook({ title: 'Emma' }), { title: 'Emma', sourceId: null, leftOut: [] });
    const empty = { id: null, author: [], year: '', description: null, isbn: [], subjects: [], language: null };
    assert.deepEqual(await oneBook({ title: 'Emma', ...empty, series: null, popularity: null }), {
      title: 'Emma',
      sourceId: null,
      author: '',
      published_at: null,
      description: null,
      isbn: null,
      subjects: [],
      language: null,
      series: null,
      popularity: 0,
      leftOut: [],
    });
  });

  it('leaves out what it cannot understand, and says which', async () => {
    const book = await oneBook({ title: 'Emma', isbn: 12.5, year: 'MDCCC', language: 'Klingonese', popularity: -1 });
    assert.deepEqual(book, {
      title: 'Emma',
      sourceId: null,
      leftOut: ['published_at', 'isbn', 'language', 'popularity'],
    });
  });

  it('may have other keys in every line, and tells those it reads nothing from', async () => {
    const { rows, unused } = await read(
      lines({ title: 'Emma', shelf: 1 }, { name: 'Persuasion', 'a\u001Bb': {} }, { shelf: 2, title: 'Lady Susan' }),
    );
    assert.equal(rows.filter(({ problem }) => problem === undefined).length, 3);
    assert.deepEqual(unused, ['shelf', 'a b']);
  });

  it('remembers only so many of thousands of keys it reads nothing from', async () => {
    const objects = Array.from({ length: 2_000 }, (_, at) => ({ title: `Title ${at}`, [`key${at}`]: at }));
    const { rows, unused } = await read(lines(...objects));
    assert.equal(rows.length, 2_000);
    assert.equal(unused.length, 50);
  });

  it('is known by its first character, whatever the file is called', async () => {
    assert.deepEqual(await titles('{"title":"Emma"}', 'books.csv'), ['1: Emma']);
    assert.deepEqual(await titles('\uFEFF\r\n  \n {"title":"Emma"}\r\n\r\n{"title":"Persuasion"}'), [
      '3: Emma',
      '5: Persuasion',
    ]);
    assert.deepEqual(await titles(Buffer.from('\uFEFF{"title":"Émile"}\n', 'utf16le')), ['1: Émile']);
    assert.deepEqual(await titles('title\nEmma\n', 'books.ndjson'), ['2: Emma']);
  });

  it('loses no line but the broken one', async () => {
    const found = await titles(
      lines(
        { title: 'Emma' },
        'title',
        '{"title":"Half',
        '{"title":"One"},',
        '["Emma"]',
        '"Emma"',
        'null',
        '{"title":"Emma","title":"Persuasion"}',
        '{"title":"Emma","__proto__":{"removed":true}}',
        '{"title":"Emma","popularity":1e400}',
        `{"title":"Emma","deep":${'['.repeat(100)}${']'.repeat(100)}}`,
        { author: 'Nobody' },
        { title: '  ' },
        { title: 'x'.repeat(501) },
        { title: 'Last' },
      ),
    );
    assert.match(found[1] ?? '', /^2: expected JSON: /);
    assert.match(found[2] ?? '', /^3: expected JSON: /);
    assert.match(found[3] ?? '', /^4: expected JSON: /);
    assert.deepEqual(found.toSpliced(1, 3), [
      '1: Emma',
      '5: expected a JSON object, got a list',
      '6: expected a JSON object, got text',
      '7: expected a JSON object, got null',
      '8: a key is written twice',
      '9: the key __proto__ is not allowed',
      '10: a number is too large',
      '11: nested deeper than 64',
      '12: expected a title, got nothing',
      '13: expected a title, got nothing',
      '14: expected a title of at most 500 characters, got 501',
      '15: Last',
    ]);
  });

  it('loses lines whose values have the wrong type, if anything is read from them', async () => {
    const found = await titles(
      lines(
        { title: 1984 },
        { title: ['Emma'] },
        { title: 'Emma', author: { name: 'Jane' } },
        { title: 'Emma', subjects: ['Love', ['Wit']] },
        { title: 'Emma', year: true },
        { title: 'Emma', Popularity: [1] },
        { id: 2 ** 53, title: 'Emma' },
        { title: 'Emma', shelf: { row: 1 } },
      ),
    );
    assert.deepEqual(found, [
      '1: "title": expected text, got the number 1984',
      '2: "title": expected text, got a list',
      '3: "author": expected text, or a list of such, got an object',
      '4: "subjects": expected text, or a list of such, got a list with a list in it',
      '5: "year": expected text or a number, got a boolean',
      '6: "Popularity": expected text or a number, got a list',
      '7: "id": expected text or a number below 2^53, got the number 9007199254740992',
      '8: Emma',
    ]);
  });

  it('says nothing that would change a terminal', async () => {
    const [problem] = await titles('{"title":"Emma"}\u001B[2J\n');
    assert.match(problem ?? '', /^1: expected JSON/);
    assert.doesNotMatch(problem ?? '', /\p{Cc}/u);
  });

  it('loses only the lines that are not UTF-8 or longer than a mebibyte', async () => {
    const latin1 = Buffer.from('{"title":"Émile"}\n', 'latin1');
    const parts = [lines({ title: 'Emma' }), latin1, lines({ title: 'x'.repeat(3 << 20) }, { title: 'Last' })];
    const [emma, emile, long, last] = await titles(Buffer.concat(parts.map((part) => Buffer.from(part))));
    assert.equal(emma, '1: Emma');
    assert.match(emile ?? '', /^2: expected UTF-8 text; convert the file/);
    assert.equal(long, '3: longer than 1 MiB');
    assert.equal(last, '4: Last');
  });

  it('is read whole when it is larger than what is read at once', async () => {
    const objects = Array.from({ length: 20_000 }, (_, at) => ({ title: `Title ${at}`, author: 'é'.repeat(at % 50) }));
    const found = await titles(lines(...objects));
    assert.equal(found.length, 20_000);
    assert.equal(found.at(-1), '20000: Title 19999');
  });
});
