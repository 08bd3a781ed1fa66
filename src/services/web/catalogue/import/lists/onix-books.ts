import { Parser } from 'htmlparser2';
import type { BookList, ListedRow } from './book-list.ts';
import type { ChosenColumns } from './columns.ts';
import { createObjectReader } from './json-books.ts';
import { badFile, type ListFile } from './list-file.ts';
import type { TextFile, TextLine } from './text-lines.ts';

const messageStart = /<(?:[\w-]+:)?onixmessage\b[^>]*>/i;
const productStart = /<(?:[\w-]+:)?product[\s>]/gi;
const productEnd = /<\/(?:[\w-]+:)?product\s*>/gi;
const productLimitBytes = 4 << 20;

/** Whether a file is an ONIX message, with reference names or short tags. */
export function isOnix({ firstLines }: TextFile): boolean {
  return messageStart.test(firstLines.join('\n'));
}

/**
 * Reads the products of an ONIX for Books message of release 3 (EDItEUR), with reference names or short tags. An
 * incomplete product is skipped; the others are read.
 * @throws SamsaError `bad-import-file` when it is of an older release.
 */
export function openOnixBooks(file: ListFile, text: TextFile, chosen: ChosenColumns): BookList {
  const start = messageStart.exec(text.firstLines.join('\n'))![0];
  const release = /release\s*=\s*["']([^"']*)/i.exec(start)?.[1] ?? '2';
  if (!release.startsWith('3')) throw badFile(file.path, `expected ONIX 3.0, got release ${release}`);
  const readObject = createObjectReader(chosen);
  const read = (product: TextLine): ListedRow => {
    if (product.problem !== undefined) return product;
    const { line } = product;
    const node = parseXml(product.text);
    if (textOf(node, 'notificationtype') === '05') return { line, problem: 'a notice that the product is withdrawn' };
    return readObject(line, bookOf(node));
  };
  async function* rows(): AsyncGenerator<Iterable<ListedRow>> {
    for await (const products of splitProducts(text)) yield products.values().map(read);
  }
  return {
    sizeBytes: file.sizeBytes,
    bytesRead: file.bytesRead,
    taken: ['the products of an ONIX message'],
    unusedColumns: () => [],
    kind: 'onix',
    isExact: false,
    rows: rows(),
  };
}

/** The text of each product with the line on which it begins. */
async function* splitProducts({ blocks, decode }: TextFile): AsyncGenerator<readonly TextLine[]> {
  let rest = Buffer.alloc(0);
  let line = 1;
  const readUpTo = (end: number, from: number, starts: readonly number[]): readonly TextLine[] =>
    starts.map((start, index) => {
      line += newlinesIn(rest.subarray(from, start));
      from = start;
      if (index < starts.length - 1) return { line, problem: 'expected the end of a product, got another one' };
      const product = decode(rest.subarray(start, end));
      return product === null ? { line, problem: 'expected UTF-8' } : { line, text: product };
    });
  for await (const block of blocks()) {
    rest = Buffer.concat([rest, block]);
    // One character for each byte, so that positions in the text are positions in the bytes. Tags are ASCII.
    const text = rest.toString('latin1');
    const found: TextLine[] = [];
    let from = 0;
    for (const end of text.matchAll(productEnd)) {
      const to = end.index + end[0].length;
      const starts = Array.from(text.slice(from, to).matchAll(productStart), ({ index }) => from + index);
      found.push(...readUpTo(to, from, starts));
      line += newlinesIn(rest.subarray(starts.at(-1) ?? from, to));
      from = to;
    }
    rest = rest.subarray(from);
    if (rest.length > productLimitBytes) {
      found.push({ line, problem: `a product longer than ${productLimitBytes >> 20} MiB` });
      line += newlinesIn(rest);
      rest = Buffer.alloc(0);
    }
    if (found.length > 0) yield found;
  }
  const unfinished = rest.toString('latin1').search(productStart);
  line += newlinesIn(rest.subarray(0, Math.max(0, unfinished)));
  if (unfinished !== -1) yield [{ line, problem: 'expected the end of a product, got the end of the file' }];
}

function newlinesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count++;
  return count;
}

/** An element. Its name is the reference name, also for a short tag, in lower case and without a prefix. */
type Element = { readonly name: string; readonly children: (Element | string)[] };

const deepest = 50;

function parseXml(xml: string): Element {
  const root: Element = { name: '', children: [] };
  const open: Element[] = [root];
  let depth = 0;
  const parser = new Parser(
    {
      onopentagname: (tag) => {
        if (++depth > deepest) return;
        const written = tag.slice(tag.indexOf(':') + 1).toLowerCase();
        const element: Element = { name: shortTags[written] ?? written, children: [] };
        open.at(-1)!.children.push(element);
        open.push(element);
      },
      ontext: (text) => {
        open.at(-1)!.children.push(text);
      },
      onclosetag: () => {
        if (depth-- <= deepest) open.pop();
      },
    },
    { xmlMode: true, decodeEntities: true },
  );
  parser.end(xml);
  return elementsIn(root)[0] ?? root;
}

const shortTags: Readonly<Record<string, string>> = {
  a001: 'recordreference',
  a002: 'notificationtype',
  b221: 'productidtype',
  b244: 'idvalue',
  b202: 'titletype',
  x409: 'titleelementlevel',
  x410: 'partnumber',
  b203: 'titletext',
  b030: 'titleprefix',
  b031: 'titlewithoutprefix',
  b029: 'subtitle',
  x481: 'collectionsequencenumber',
  b034: 'sequencenumber',
  b035: 'contributorrole',
  b036: 'personname',
  b037: 'personnameinverted',
  b039: 'namesbeforekey',
  b247: 'prefixtokey',
  b040: 'keynames',
  b041: 'namesafterkey',
  b248: 'suffixtokey',
  b047: 'corporatename',
  x443: 'corporatenameinverted',
  b253: 'languagerole',
  b252: 'languagecode',
  b067: 'subjectschemeidentifier',
  b070: 'subjectheadingtext',
  x426: 'texttype',
  d104: 'text',
  x448: 'publishingdaterole',
  b306: 'date',
};

function elementsIn(element: Element, name?: string): readonly Element[] {
  const elements = element.children.filter((child) => typeof child !== 'string');
  return name === undefined ? elements : elements.filter((child) => child.name === name);
}

/** All elements at this path of names. */
function elementsAt(element: Element, ...names: readonly string[]): readonly Element[] {
  return names.reduce<readonly Element[]>((found, name) => found.flatMap((one) => elementsIn(one, name)), [element]);
}

/** The text of the first such element; `''` without one. */
function textOf(element: Element, ...names: readonly string[]): string {
  return textsOf(element, ...names)[0] ?? '';
}

function textsOf(element: Element, ...names: readonly string[]): readonly string[] {
  return elementsAt(element, ...names).map(({ children }) =>
    children
      .filter((child) => typeof child === 'string')
      .join('')
      .trim(),
  );
}

/** The content of an element; HTML when it contains elements. */
function markupOf(element: Element): string {
  const isHtml = element.children.some((child) => typeof child !== 'string');
  return element.children
    .map((child) => {
      if (typeof child !== 'string') return `<${child.name}>${markupOf(child)}</${child.name}>`;
      return isHtml ? child.replaceAll('&', '&amp;').replaceAll('<', '&lt;') : child;
    })
    .join('');
}

/** A product as an object whose keys are the names of columns. */
function bookOf(product: Element): object {
  const detail = elementsIn(product, 'descriptivedetail')[0] ?? product;
  const titles = elementsIn(detail, 'titledetail').map((titleDetail) => ({
    type: textOf(titleDetail, 'titletype'),
    ...titleOf(titleDetail, '01'),
  }));
  const main = titles.find(({ type, title }) => title !== '' && ['01', ''].includes(type)) ?? titles[0];
  const others = titles.filter((one) => one !== main);
  const series = elementsIn(detail, 'collection')
    .map(seriesOf)
    .find(({ name }) => name !== '');
  return {
    id: textOf(product, 'recordreference'),
    title: main?.title ?? '',
    subtitle: main?.subtitle ?? '',
    'original title': others.filter(({ type }) => type === '03').map(({ title }) => title),
    'other titles': others.filter(({ type }) => type !== '03').map(({ title }) => title),
    author: contributorsOf(detail),
    published: publishedOf(product),
    description: descriptionOf(product),
    isbn: isbnsOf(product),
    series: series?.name ?? '',
    'series number': series?.number ?? '',
    subjects: subjectsOf(detail),
    language: languageOf(detail),
  };
}

/** @param level `01`: the title of the product. `02`: the title of its collection. */
function titleOf(titleDetail: Element, level: string) {
  const elements = elementsIn(titleDetail, 'titleelement');
  const own = elements.find((element) => textOf(element, 'titleelementlevel') === level) ?? elements[0];
  const number = own === undefined ? '' : textOf(own, 'partnumber');
  let title = own === undefined ? '' : titleText(own);
  // “Northlights”, part 2: the product has no title besides its number.
  if (title === '' && number !== '')
    title = [
      ...elements
        .map(titleText)
        .filter((text) => text !== '')
        .slice(0, 1),
      number,
    ].join(' ');
  return { title, subtitle: own === undefined ? '' : textOf(own, 'subtitle'), number };
}

function titleText(element: Element): string {
  const parts = [textOf(element, 'titleprefix'), textOf(element, 'titlewithoutprefix')];
  return textOf(element, 'titletext') || parts.filter((part) => part !== '').join(' ');
}

function seriesOf(collection: Element): { readonly name: string; readonly number: string } {
  const [titleDetail] = elementsIn(collection, 'titledetail');
  const { title, number } = titleDetail === undefined ? { title: '', number: '' } : titleOf(titleDetail, '02');
  return { name: title, number: number || textOf(collection, 'collectionsequence', 'collectionsequencenumber') };
}

const authorRole = /^A(?:0\d|10|14|38|99)$/;
const roles: Readonly<Record<string, string>> = { A12: 'Illustrator', B01: 'Editor', B06: 'Translator' };

/** The contributors in order. Those who are not authors have their role in brackets. */
function contributorsOf(detail: Element): readonly string[] {
  return elementsIn(detail, 'contributor')
    .map((contributor, at) => ({ contributor, at: Number(textOf(contributor, 'sequencenumber')) || at + 1 }))
    .toSorted((one, other) => one.at - other.at)
    .flatMap(({ contributor }) => {
      const name = nameOf(contributor);
      if (name === '') return [];
      const codes = textsOf(contributor, 'contributorrole');
      const isAuthor = codes.length === 0 || codes.some((code) => authorRole.test(code));
      return [isAuthor ? name : `${name} (${roles[codes[0]!] ?? 'Contributor'})`];
    });
}

const nameParts = ['namesbeforekey', 'prefixtokey', 'keynames', 'namesafterkey', 'suffixtokey'];

function nameOf(person: Element): string {
  const inParts = nameParts.map((part) => textOf(person, part)).filter((part) => part !== '');
  const names = ['personname', 'personnameinverted', 'corporatename', 'corporatenameinverted'];
  return (
    [textOf(person, names[0]!), inParts.join(' '), ...names.slice(1).map((name) => textOf(person, name))].find(
      (name) => name !== '',
    ) ?? ''
  );
}

/** The date of publication, else of first publication: `YYYY-MM-DD`, or as much of it as is known. */
function publishedOf(product: Element): string {
  const dates = elementsAt(product, 'publishingdetail', 'publishingdate');
  const found = ['01', '11', '19', ''].flatMap((role) =>
    dates.filter((date) => textOf(date, 'publishingdaterole') === role),
  )[0];
  const date = found === undefined ? '' : textOf(found, 'date');
  const [, ...parts] = /^(\d{4})-?(?:(?!00)(\d\d)-?(?:(?!00)(\d\d))?)?/.exec(date) ?? [];
  return parts.length === 0 ? date : parts.filter((part) => part !== undefined).join('-');
}

/** The longest description, else the longest short description. */
function descriptionOf(product: Element): string {
  const contents = elementsAt(product, 'collateraldetail', 'textcontent');
  for (const type of ['03', '02', '01']) {
    const texts = contents
      .filter((content) => textOf(content, 'texttype') === type)
      .flatMap((content) => elementsIn(content, 'text').map(markupOf));
    const [longest] = texts.toSorted((one, other) => other.length - one.length);
    if (longest !== undefined && longest.trim() !== '') return longest;
  }
  return '';
}

/** The values of ISBN-13, EAN and ISBN-10. */
function isbnsOf(product: Element): readonly string[] {
  const identifiers = elementsIn(product, 'productidentifier');
  return ['15', '03', '02'].flatMap((type) =>
    identifiers.filter((one) => textOf(one, 'productidtype') === type).map((one) => textOf(one, 'idvalue')),
  );
}

/**
 * The subjects. Codes without a heading are left out, because readers cannot understand them. Keywords stand in one
 * text.
 */
function subjectsOf(detail: Element): readonly string[] {
  return elementsIn(detail, 'subject').flatMap((subject) => {
    const isKeywords = textOf(subject, 'subjectschemeidentifier') === '20';
    return elementsIn(subject, 'subjectheadingtext').flatMap((heading) => {
      const text = markupOf(heading);
      return isKeywords ? text.split(/[;,]/) : [text];
    });
  });
}

function languageOf(detail: Element): string {
  const languages = elementsIn(detail, 'language');
  const ofText = languages.find((language) => ['01', ''].includes(textOf(language, 'languagerole')));
  return ofText === undefined ? '' : textOf(ofText, 'languagecode');
}
