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
  unread: [],
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
    assert.deepEqual(await oneBook({ title: 'Emma' }), { title: 'Emma', sourceId: null, unread: [] });
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
      unread: [],
    });
  });

  it('leaves out what it cannot read, and says which', async () => {
    const book = await oneBook({ title: 'Emma', isbn: 12.5, year: 'MDCCC', language: 'Klingonese', popularity: -1 });
    assert.deepEqual(book, {
      title: 'Emma',
      sourceId: null,
      language: 'Klingonese',
      unread: ['published_at', 'isbn', 'popularity'],
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

  it('reads nothing from values of another type, and keeps the book', async () => {
    const { rows } = await read(
      lines(
        { title: 1984 },
        { title: ['Emma', 'Emma Woodhouse'] },
        { title: 'Emma', author: true, year: {}, popularity: [1] },
        { id: 2 ** 53, title: 'Emma' },
      ),
    );
    assert.deepEqual(titlesIn(rows), ['1: 1984', '2: Emma', '3: Emma', '4: Emma']);
    assert.ok(rows[2]?.problem === undefined && rows[3]?.problem === undefined);
    assert.deepEqual(rows[2]?.book.fields, { title: 'Emma', author: '', published_at: null, popularity: 1 });
    assert.equal(rows[3]?.book.sourceId, null);
  });

  it('may have names, languages and descriptions in objects', async () => {
    const book = await oneBook({
      title: 'Emma',
      authors: [
        { name: 'Austen, Jane', birth_year: 1775 },
        { name: 'Ann Voice', role: 'Narrator' },
      ],
      languages: [{ key: '/languages/eng' }],
      description: { type: '/type/text', value: '<p>Match &amp; maker.</p>' },
    });
    assert.deepEqual([book.author, book.language, book.description], ['Austen, Jane', 'en', 'Match & maker.']);
  });

  it('may be one list, or objects over several lines, or what a web service answers', async () => {
    const books = [{ title: 'Emma' }, { title: 'Per{sua}sion "]"' }, { title: 'Last' }];
    const found = ['Emma', 'Per{sua}sion "]"', 'Last'];
    const titlesOf = async (text: string) => (await titles(text)).map((title) => title.replace(/^\d+: /, ''));
    assert.deepEqual(await titlesOf(JSON.stringify(books)), found);
    assert.deepEqual(await titlesOf(`\n ${JSON.stringify(books, null, 2)}\n`), found);
    assert.deepEqual(await titlesOf(books.map((book) => JSON.stringify(book, null, 2)).join('\n')), found);
    assert.deepEqual(await titlesOf(JSON.stringify({ count: 3, next: null, results: books })), found);
    assert.deepEqual(await titlesOf(JSON.stringify({ count: 3, next: null, results: books }, null, 1)), found);
    const [first, broken, last] = await titles('[{"title":"Emma"},\n{"title":nothing},\n{"title":"Last"}]');
    assert.deepEqual([first, last], ['1: Emma', '3: Last']);
    assert.match(broken ?? '', /^2: expected JSON/);
    const cut = await titles('[{"title":"Emma"},\n{"title":"Cut');
    assert.match(cut.at(-1) ?? '', /^2: expected the end of a JSON value/);
  });

  it('skips what is not an object, one by one, and is not taken for an empty list', async () => {
    const problem = (line: number): string => `${line}: expected a JSON object, got something else`;
    assert.deepEqual(await titles('["Emma", "Persuasion"]'), [problem(1), problem(1)]);
    assert.deepEqual(await titles('[5,\n{"title":"Emma"},\nnull, {"title":"Persuasion"}]\n'), [
      problem(1),
      '2: Emma',
      problem(3),
      '3: Persuasion',
    ]);
    assert.deepEqual(await titles('[["title"],["Emma"]]'), [problem(1), problem(1)]);
    assert.deepEqual(await titles('[ ]'), []);
  });

  it('says nothing that would change a terminal', async () => {
    const [problem] = await titles('{"title":"Emma"}\u001B[2J\n');
    assert.match(problem ?? '', /^1: expected JSON/);
    assert.doesNotMatch(problem ?? '', /\p{Cc}/u);
  });

  it('is read whole when it is larger than what is read at once', async () => {
    const objects = Array.from({ length: 20_000 }, (_, at) => ({ title: `Title ${at}`, author: 'é'.repeat(at % 50) }));
    const found = await titles(lines(...objects));
    assert.equal(found.length, 20_000);
    assert.equal(found.at(-1), '20000: Title 19999');
  });
});
