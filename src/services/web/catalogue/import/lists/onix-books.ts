import type { BookList, ListedRow } from './book-list.ts';
import type { ChosenColumns } from './columns.ts';
import { createObjectReader } from './json-books.ts';
import { badFile, type ListFile } from './list-file.ts';
import {
  elementsAt,
  elementsIn,
  markupOf,
  parseXml,
  splitProducts,
  textOf,
  textsOf,
  type Element,
} from './onix-products.ts';
import type { TextFile, TextLine } from './text-lines.ts';

const messageStart = /<(?:[\w-]+:)?onixmessage\b[^>]*>/i;

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
