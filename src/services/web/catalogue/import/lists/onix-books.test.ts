import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readBookList } from '../../../../../../test/support/read-book-list.ts';
import type { ListedRow } from './book-list.ts';

const read = async (file: string | Buffer) => (await readBookList('list.xml', file)).rows;

function message(...products: readonly string[]): string {
  return `<?xml version="1.0"?>\n<ONIXMessage release="3.0">\n${products.join('\n')}\n</ONIXMessage>\n`;
}

function product(title: string, more = ''): string {
  const element = `<TitleElement><TitleElementLevel>01</TitleElementLevel><TitleText>${title}</TitleText></TitleElement>`;
  const detail = `<TitleDetail><TitleType>01</TitleType>${element}</TitleDetail>`;
  return `<Product><RecordReference>${title}</RecordReference>${more}<DescriptiveDetail>${detail}</DescriptiveDetail></Product>`;
}

function shown(rows: readonly ListedRow[]): readonly (readonly [number, string])[] {
  return rows.map((row) => [row.line, row.problem ?? row.book.fields.title]);
}

describe('an ONIX message', () => {
  it('may have short tags, and a prefix before its names', async () => {
    const rows = await read(
      '<onx:ONIXmessage xmlns:onx="http://ns.editeur.org/onix/3.0/short" release="3.1"><onx:product><a001>r-1</a001>' +
        '<productidentifier><b221>15</b221><b244>9780306406157</b244></productidentifier><descriptivedetail>' +
        '<collection><titledetail><b202>01</b202><titleelement><x409>02</x409><x410>3</x410><b203>Northlights</b203>' +
        '</titleelement></titledetail></collection><titledetail><b202>01</b202><titleelement><x409>01</x409>' +
        '<b030>The</b030><b031>Quarry &amp; Bell</b031><b029>A Tale</b029></titleelement></titledetail>' +
        '<contributor><b034>1</b034><b035>A01</b035><b039>Tove</b039><b040>Norling</b040></contributor>' +
        '<language><b253>01</b253><b252>swe</b252></language>' +
        '<subject><b067>20</b067><b070>ships; bells</b070></subject></descriptivedetail>' +
        '<collateraldetail><textcontent><x426>03</x426><d104><![CDATA[<p>One.</p><p>Two.</p>]]></d104></textcontent>' +
        '</collateraldetail><publishingdetail><publishingdate><x448>01</x448><b306>198703</b306></publishingdate>' +
        '</publishingdetail></onx:product></onx:ONIXmessage>',
    );
    const fields = {
      title: 'The Quarry & Bell',
      author: 'Tove Norling',
      published_at: '1987-03',
      description: 'One.\n\nTwo.',
      isbn: '9780306406157',
      series: 'Northlights #3',
      subjects: ['ships', 'bells'],
      language: 'sv',
      other_titles: ['A Tale'],
    };
    assert.deepEqual(rows, [{ line: 1, book: { sourceId: 'r-1', fields }, unread: [] }]);
  });

  it('names a volume after its collection when it has only a number', async () => {
    const detail =
      '<TitleDetail><TitleType>01</TitleType><TitleElement><TitleElementLevel>02</TitleElementLevel>' +
      '<TitleText>Poems</TitleText></TitleElement><TitleElement><TitleElementLevel>01</TitleElementLevel>' +
      '<PartNumber>2</PartNumber></TitleElement></TitleDetail>';
    const rows = await read(message(`<Product><DescriptiveDetail>${detail}</DescriptiveDetail></Product>`));
    assert.deepEqual(shown(rows), [[3, 'Poems 2']]);
  });

  it('loses no more than the products that are broken', async () => {
    const withdrawn = product('Withdrawn', '<NotificationType>05</NotificationType>');
    const unfinished = product('Unfinished').replace('</Product>', '');
    const deep = product('Deep', '<a>'.repeat(100_000));
    const rows = await read(
      message(
        product('First'),
        unfinished,
        product('Second'),
        withdrawn,
        '<Product></Product>',
        deep,
        product('Last'),
      ) + '<Product><Record',
    );
    assert.deepEqual(shown(rows), [
      [3, 'First'],
      [4, 'expected the end of a product, got another one'],
      [5, 'Second'],
      [6, 'a notice that the product is withdrawn'],
      [7, 'expected a title, got nothing'],
      [8, 'expected a title, got nothing'],
      [9, 'Last'],
      [11, 'expected the end of a product, got the end of the file'],
    ]);
  });

  it('has all products behind a comment that does not end', async () => {
    const rows = await read(message(product('First'), `<!-- ${product('Second')}`, product('Third')));
    assert.deepEqual(shown(rows), [
      [3, 'First'],
      [4, 'Second'],
      [5, 'Third'],
    ]);
  });

  it('has no products in comments and in quoted text', async () => {
    const quoted = product('Quoted', '<Note><![CDATA[</Product> <!-- <Product> ]]></Note>');
    const rows = await read(
      message(
        `<!-- <Product> -->${product('First')}`,
        `<!-- ${product('Old')} -->`,
        quoted,
        product('Last'),
        '<!-- <Product>',
      ),
    );
    assert.deepEqual(shown(rows), [
      [3, 'First'],
      [5, 'Quoted'],
      [6, 'Last'],
    ]);
  });

  it('may be in UTF-16 or Windows-1252', async () => {
    const text = message(product('Dagar i Åre'));
    assert.deepEqual(shown(await read(Buffer.from(`\uFEFF${text}`, 'utf16le'))), [[3, 'Dagar i Åre']]);
    assert.deepEqual(shown(await read(Buffer.from(text, 'latin1'))), [[3, 'Dagar i Åre']]);
  });

  it('is refused in an older release', async () => {
    const old = '<ONIXMessage><Product><Title><TitleText>Old</TitleText></Title></Product></ONIXMessage>';
    await assert.rejects(read(old), { code: 'bad-import-file', message: /expected ONIX 3\.0, got release 2/ });
  });
});
