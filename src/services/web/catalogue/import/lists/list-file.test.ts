import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readBookList, titlesIn } from '../../../../../../test/support/read-book-list.ts';
import { makeTemporaryFolder } from '../../../../../../test/support/temporary-folder.ts';
import { zip } from '../../../../../../test/support/zip.ts';
import { openBookList } from './open-book-list.ts';

const csv = 'title,author\nEmma,Jane Austen\nPersuasion,Jane Austen\n';
const titles = async (content: Uint8Array) => titlesIn((await readBookList('books', content)).rows);

const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const packages = 'http://schemas.openxmlformats.org/package/2006';

/** A workbook of one sheet with these rows. Style 1 is a day, 2 a day by a format of the workbook, 3 a number. */
function workbookOf(rows: readonly string[], { shared = '', properties = '' } = {}): Buffer {
  const formats =
    '<numFmts><numFmt numFmtId="170" formatCode="dd\\.mm\\.yyyy"/><numFmt numFmtId="171" formatCode="0 &quot;days&quot;"/></numFmts>';
  const styles = [0, 14, 170, 171].map((id) => `<xf numFmtId="${id}" xfId="0"/>`).join('');
  const files = {
    '[Content_Types].xml': `<Types xmlns="${packages}/content-types"></Types>`,
    'xl/workbook.xml': `<workbook xmlns="${main}" xmlns:r="${office}">${properties}<sheets><sheet name="Books" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': `<Relationships xmlns="${packages}/relationships"><Relationship Id="rId1" Type="${office}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="${office}/styles" Target="styles.xml"/></Relationships>`,
    'xl/styles.xml': `<styleSheet xmlns="${main}">${formats}<cellStyleXfs count="1"><xf numFmtId="0"/></cellStyleXfs><cellXfs>${styles}</cellXfs></styleSheet>`,
    'xl/sharedStrings.xml': `<sst xmlns="${main}">${shared}</sst>`,
    'xl/worksheets/sheet1.xml': `<worksheet xmlns="${main}"><sheetData>${rows.join('')}</sheetData></worksheet>`,
  };
  return zip(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)])));
}

const cell = (at: string, text: string): string => `<c r="${at}" t="inlineStr"><is><t>${text}</t></is></c>`;

/** A workbook with one sheet of texts, numbers, a day, and a title that Excel took for a truth value. */
const workbook = (): Buffer =>
  workbookOf([
    `<row r="1">${cell('A1', 'Title')}${cell('B1', 'Author')}${cell('C1', 'ISBN')}${cell('D1', 'Published')}</row>`,
    `<row r="2">${cell('A2', 'Emma &amp; Co')}${cell('B2', 'Jane Austen')}<c r="C2"><v>9780306406157</v></c><c r="D2" s="1"><v>36526</v></c></row>`,
    `<row r="3">${cell('A3', 'Persuasion')}</row>`,
    '<row r="4"><c r="A4" t="b"><v>1</v></c></row>',
  ]);

describe('a file of books', () => {
  it('may be packed by gzip, in several parts too, whatever it is called', async () => {
    assert.deepEqual(await titles(gzipSync(csv)), ['2: Emma', '3: Persuasion']);
    const parts = Buffer.concat([gzipSync('title\nEmma\n'), gzipSync('Persuasion\n')]);
    assert.deepEqual(await titles(parts), ['2: Emma', '3: Persuasion']);
    assert.deepEqual(await titles(gzipSync('{"title":"Emma"}\n')), ['1: Emma']);
  });

  it('may be in a zip archive, beside files that are not lists', async () => {
    const files = { 'notes/readme.txt': Buffer.from('x'.repeat(500)), 'data/books.csv': Buffer.from(csv) };
    assert.deepEqual(await titles(zip(files)), ['2: Emma', '3: Persuasion']);
  });

  it('may be a workbook: the first sheet counts', async () => {
    const { rows } = await readBookList('books.xlsx', workbook());
    assert.deepEqual(titlesIn([...rows]), ['2: Emma & Co', '3: Persuasion', '4: TRUE']);
    const [first] = rows;
    assert.ok(first !== undefined && first.problem === undefined);
    const { author, isbn, published_at: published } = first.book.fields;
    assert.deepEqual([author, isbn, published], ['Jane Austen', '9780306406157', '2000-01-01']);
  });

  it('may be a workbook with texts apart, days in several forms, formulas, faults, and cells without an address', async () => {
    const shared =
      '<si><t>Title</t></si><si><t>Published</t></si><si><r><t>雪</t></r><r><t>国</t></r><rPh sb="0" eb="1"><t>ユキ</t></rPh></si>';
    const header = '<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row>';
    const published = async (cells: readonly string[], properties = ''): Promise<readonly unknown[]> => {
      const rows = cells.map((one) => `<row><c t="s"><v>2</v></c>${one}</row>`);
      const list = await readBookList('books.xlsx', workbookOf([header, ...rows], { shared, properties }));
      return list.rows.map((row) =>
        row.problem === undefined ? [row.book.fields.title, row.book.fields.published_at] : row,
      );
    };
    const [days, title] = [
      ['<c s="1"><v>36526.75</v></c>', '<c s="2"><v>36526</v></c>', '<c t="d"><v>2000-01-01T10:00:00</v></c>'],
      '雪国',
    ];
    assert.deepEqual(
      await published(days),
      Array.from(days, () => [title, '2000-01-01']),
    );
    assert.deepEqual(await published(['<c s="3"><v>1999</v></c>', '<c t="str"><f>A1</f><v>1999</v></c>']), [
      [title, '1999'],
      [title, '1999'],
    ]);
    assert.deepEqual(await published(['<c t="e"><v>#N/A</v></c>', '']), [
      [title, null],
      [title, undefined],
    ]);
    assert.deepEqual(await published(['<c s="1"><v>35064</v></c>'], '<workbookPr date1904="1"/>'), [
      [title, '2000-01-01'],
    ]);
  });

  it('may be a workbook with a stray cell in its last row and column', async () => {
    const stray = `<row r="1048576">${cell('XFD1048576', 'x')}</row>`;
    const content = workbookOf([
      `<row r="1">${cell('A1', 'Title')}</row>`,
      `<row r="2">${cell('A2', 'Emma')}</row>`,
      stray,
    ]);
    assert.deepEqual(await titles(content), ['2: Emma']);
  });

  it('may be a workbook that is packed by gzip, or in a zip archive', async () => {
    for (const content of [gzipSync(workbook()), zip({ 'books.xlsx': workbook() })]) {
      assert.deepEqual(await titles(content), ['2: Emma & Co', '3: Persuasion', '4: TRUE']);
    }
  });

  it('names the other lists of its archive, which are not read', async () => {
    const second = Buffer.from('title\nWalden\n');
    const files = { 'a.csv': Buffer.from(csv), 'b.csv': second, 'c.xlsx': workbook(), 'd.txt': Buffer.from('Hello') };
    const { rows, otherLists } = await readBookList('books.zip', zip(files));
    assert.deepEqual([titlesIn(rows).length, otherLists], [3, ['a.csv', 'b.csv']]);
    assert.deepEqual((await readBookList('books.csv', Buffer.from(csv))).otherLists, []);
  });

  it('says what is wrong with an archive that is encrypted, empty, or holds another archive', async () => {
    const locked = zip({ 'books.csv': Buffer.from(csv) });
    for (const [head, flags] of [
      ['PK\u0003\u0004', 6],
      ['PK\u0001\u0002', 8],
    ] as const) {
      const at = locked.indexOf(head) + flags;
      locked.writeUInt16LE(locked.readUInt16LE(at) | 1, at);
    }
    for (const [content, message] of [
      [locked, /the archive is encrypted/],
      [zip({}), /the archive is empty/],
      [
        Buffer.from(`PK\u0003\u0004${' '.repeat(26)}mimetypeapplication/vnd.oasis.opendocument.spreadsheet`),
        /OpenDocument.*\.xlsx or CSV/,
      ],
      [zip({ 'inner.zip': zip({ 'books.csv': Buffer.from(csv) }) }), /inner\.zip: expected a workbook \(\.xlsx\)/],
    ] as const) {
      await assert.rejects(titles(content), { code: 'bad-import-file', message });
    }
  });

  it('is refused when its archive is damaged', async () => {
    const damaged = { code: 'bad-import-file', message: /the archive is damaged/ };
    await assert.rejects(titles(gzipSync(csv).subarray(0, 30)), damaged);
    await assert.rejects(titles(zip({ 'books.csv': Buffer.from(csv) }).subarray(0, 60)), damaged);
    await assert.rejects(titles(zip({ 'books.csv': Buffer.from(csv) }, { checksumBy: 1 })), damaged);
    await assert.rejects(titles(zip({ 'xl/workbook.xml': Buffer.from('<a') })), {
      code: 'bad-import-file',
      message: /expected a workbook|column for titles/,
    });
  });

  it('gives the books before the place where its archive is damaged or expands without end', async () => {
    const long = `title\n${Array.from({ length: 50_000 }, (_, at) => `Title ${at * 7919}\n`).join('')}`;
    const packed = gzipSync(long);
    const bomb = gzipSync(Buffer.concat([Buffer.from('title\nEmma\n'), Buffer.alloc(100 << 20, '\n')]));
    for (const [content, problem] of [
      [packed.subarray(0, packed.length - 100), /the archive is damaged/],
      [bomb, /expands to more than/],
    ] as const) {
      let read = 0;
      const reading = async (): Promise<void> => {
        const folder = makeTemporaryFolder();
        const path = join(folder, 'books.csv.gz');
        await writeFile(path, content);
        for await (const rows of (await openBookList(path)).rows) read += [...rows].length;
      };
      await assert.rejects(reading(), { code: 'bad-import-file', message: problem });
      assert.ok(read > 0, String(problem));
    }
  });

  it('says when it changes while it is read, and ends where it ended at first', async () => {
    const folder = makeTemporaryFolder();
    const path = join(folder, 'books.csv');
    await writeFile(path, `title\n${'Emma\n'.repeat(100_000)}`);
    const found: string[] = [];
    const reading = async (): Promise<void> => {
      for await (const rows of (await openBookList(path)).rows) {
        found.push(...titlesIn([...rows]));
        await appendFile(path, 'Persuasion\n');
      }
    };
    await assert.rejects(reading(), { code: 'bad-import-file', message: /changed while it was read/ });
    assert.equal(found.length, 100_000);
  });

  it('is refused when it is a pipe, which might never end', async () => {
    const folder = makeTemporaryFolder();
    const path = join(folder, 'books.csv');
    assert.equal(spawnSync('mkfifo', [path]).status, 0);
    await assert.rejects(openBookList(path), { code: 'bad-import-file', message: /a device or a pipe/ });
  });
});
