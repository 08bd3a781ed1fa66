import { Parser } from 'htmlparser2';
import type { TextFile, TextLine } from './text-lines.ts';

const productStart = /<(?:[\w-]+:)?product[\s>]/gi;
const productEnd = /<\/(?:[\w-]+:)?product\s*>/gi;
/** Their text may look like tags. */
const commentOrData = /<!--[^]*?-->|<!\[CDATA\[[^]*?\]\]>/g;
/** The last one may end in the next block. */
const perhapsUnfinished = /<!--[^]*?(?:-->|$)|<!\[CDATA\[[^]*?(?:\]\]>|$)/g;
const productLimitBytes = 4 << 20;

/**
 * The text of each product with the line on which it begins. Whole products behind a comment that never ends are read.
 */
export async function* splitProducts({ blocks, decode }: TextFile): AsyncGenerator<readonly TextLine[]> {
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
  /** Takes all whole products off the rest. */
  const takeProducts = (leftOut: RegExp): readonly TextLine[] => {
    // One character for each byte, so that positions in the text are positions in the bytes. Tags are ASCII.
    const text = textWithout(leftOut, rest);
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
    return found;
  };
  for await (const block of blocks()) {
    rest = Buffer.concat([rest, block]);
    yield takeProducts(perhapsUnfinished);
    if (rest.length > productLimitBytes) yield takeProducts(commentOrData);
    if (rest.length > productLimitBytes) {
      yield [{ line, problem: `a product longer than ${productLimitBytes >> 20} MiB` }];
      line += newlinesIn(rest);
      rest = Buffer.alloc(0);
    }
  }
  yield takeProducts(commentOrData);
  const unfinished = textWithout(perhapsUnfinished, rest).search(productStart);
  line += newlinesIn(rest.subarray(0, Math.max(0, unfinished)));
  if (unfinished !== -1) yield [{ line, problem: 'expected the end of a product, got the end of the file' }];
}

function textWithout(leftOut: RegExp, bytes: Buffer): string {
  return bytes.toString('latin1').replace(leftOut, ({ length }) => ' '.repeat(length));
}

function newlinesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count++;
  return count;
}

/** An element. Its name is the reference name, also for a short tag, in lower case and without a prefix. */
export type Element = { readonly name: string; readonly children: (Element | string)[] };

const deepest = 50;

export function parseXml(xml: string): Element {
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

export function elementsIn(element: Element, name?: string): readonly Element[] {
  const elements = element.children.filter((child) => typeof child !== 'string');
  return name === undefined ? elements : elements.filter((child) => child.name === name);
}

/** All elements at this path of names. */
export function elementsAt(element: Element, ...names: readonly string[]): readonly Element[] {
  return names.reduce<readonly Element[]>((found, name) => found.flatMap((one) => elementsIn(one, name)), [element]);
}

/** The text of the first such element; `''` without one. */
export function textOf(element: Element, ...names: readonly string[]): string {
  return textsOf(element, ...names)[0] ?? '';
}

export function textsOf(element: Element, ...names: readonly string[]): readonly string[] {
  return elementsAt(element, ...names).map(({ children }) =>
    children
      .filter((child) => typeof child === 'string')
      .join('')
      .trim(),
  );
}

/** The content of an element; HTML when it contains elements. */
export function markupOf(element: Element): string {
  const isHtml = element.children.some((child) => typeof child !== 'string');
  return element.children
    .map((child) => {
      if (typeof child !== 'string') return `<${child.name}>${markupOf(child)}</${child.name}>`;
      return isHtml ? child.replaceAll('&', '&amp;').replaceAll('<', '&lt;') : child;
    })
    .join('');
}
