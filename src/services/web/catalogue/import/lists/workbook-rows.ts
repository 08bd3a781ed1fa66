import { Parser } from 'htmlparser2';
import { fromBufferPromise, type Entry, type ZipFile } from 'yauzl';
import { reason, SamsaError } from '../../../../../errors.ts';
import { dayMs } from '../../../../../runtime/time.ts';
import { badFile, checkExpansion, type ListFile } from './list-file.ts';

/** A row of a sheet, numbered from 1, with its cells as text from the first column on. */
export type SheetRow = { readonly line: number; readonly cells: readonly string[] };

const mostWorkbookBytes = 200 << 20;
/** Cells further to the right are ignored: a sheet may have a stray one in its last column, the 16,384th. */
const mostColumns = 1_000;
/** The texts that cells share are held in memory. */
const mostSharedCharacters = 256 << 20;

/**
 * Reads the rows of the first sheet of a workbook (ECMA-376), some at a time. Days are written as YYYY-MM-DD. The
 * packed workbook and the texts that cells share are in memory, the sheet is not.
 * @throws SamsaError `bad-import-file` when it is damaged or too large.
 */
export async function* readFirstSheet(file: ListFile): AsyncGenerator<readonly SheetRow[]> {
  const book = await openWorkbookZip(file);
  try {
    const sheet = await findFirstSheet(book);
    const texts = await readSharedTexts(book);
    const isDay = await readDayStyles(book);
    const rows = createRowParser((cell) => cellText(cell, { texts, isDay, startDay: sheet.startDay }));
    yield* parts(book, sheet.name, rows.parse);
  } catch (error) {
    throw error instanceof SamsaError ? error : unreadable(file, error);
  } finally {
    book.zip.close();
  }
}

type Workbook = { readonly path: string; readonly zip: ZipFile; readonly entries: ReadonlyMap<string, Entry> };

async function openWorkbookZip(file: ListFile): Promise<Workbook> {
  const blocks: Buffer[] = [];
  let bytes = 0;
  for await (const block of file.blocks()) {
    bytes += block.length;
    if (bytes > mostWorkbookBytes) throw badFile(file.path, 'expected a workbook of at most 200 MB; save it as CSV');
    blocks.push(block);
  }
  try {
    const zip = await fromBufferPromise(Buffer.concat(blocks), { lazyEntries: true, autoClose: false });
    const entries = new Map<string, Entry>();
    for await (const entry of zip.eachEntry()) entries.set(entry.fileName, entry);
    if (entries.has('xl/workbook.xml')) return { path: file.path, zip, entries };
    throw new Error('an archive of other files');
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable({ path }: ListFile, error: unknown): SamsaError {
  return badFile(path, `expected a workbook (.xlsx) that can be read, got: ${reason(error)}`, error);
}

/** What a parser has found in one piece of a part. */
type Parse<Found> = (text: string) => readonly Found[];

/** Unpacks a part of the workbook piece by piece; nothing when there is no such part. */
async function* parts<Found>(
  { path, zip, entries }: Workbook,
  name: string,
  parse: Parse<Found>,
): AsyncGenerator<readonly Found[]> {
  const entry = entries.get(name);
  if (entry === undefined) return;
  const decoder = new TextDecoder();
  let bytes = 0;
  for await (const block of (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>) {
    bytes += block.length;
    checkExpansion(path, bytes, entry.compressedSize);
    const found = parse(decoder.decode(block, { stream: true }));
    if (found.length > 0) yield found;
  }
}

type Tag = { readonly name: string; readonly attributes: Readonly<Record<string, string>> };

/** Every element of a part of the workbook, in order. */
async function elementsOf(book: Workbook, part: string): Promise<readonly Tag[]> {
  const found: Tag[] = [];
  await readElements(book, part, { onTag: (tag) => found.push(tag) });
  return found;
}

/** Reads a whole part of the workbook. */
async function readElements(book: Workbook, part: string, handlers: ElementHandlers): Promise<void> {
  const parser = parserOf(handlers);
  for await (const _ of parts(book, part, (text) => (parser.write(text), []))) continue;
}

type ElementHandlers = {
  readonly onTag: (tag: Tag) => void;
  readonly onText?: (text: string) => void;
  readonly onEnd?: (name: string) => void;
};

/** Names come without the prefix of their namespace. How a word is pronounced (`rPh`) is left out. */
function parserOf({ onTag, onText = () => {}, onEnd = () => {} }: ElementHandlers): Parser {
  const bare = (name: string): string => name.slice(name.indexOf(':') + 1);
  let phonetic = 0;
  return new Parser(
    {
      onopentag: (name, attributes) => {
        if (bare(name) === 'rPh') phonetic++;
        if (phonetic === 0) onTag({ name: bare(name), attributes });
      },
      ontext: (text) => {
        if (phonetic === 0) onText(text);
      },
      onclosetag: (name) => {
        if (phonetic === 0) onEnd(bare(name));
        else if (bare(name) === 'rPh') phonetic--;
      },
    },
    { xmlMode: true, decodeEntities: true },
  );
}

async function findFirstSheet(book: Workbook): Promise<{ readonly name: string; readonly startDay: number }> {
  const elements = await elementsOf(book, 'xl/workbook.xml');
  const counts1904 = elements.some(
    ({ name, attributes }) => name === 'workbookPr' && /^(?:1|true)$/.test(attributes['date1904'] ?? ''),
  );
  const sheet = elements.find(({ name }) => name === 'sheet')?.attributes ?? {};
  const id = Object.entries(sheet).find(([name]) => /(?:^|:)id$/.test(name))?.[1];
  const links = await elementsOf(book, 'xl/_rels/workbook.xml.rels');
  const target = links.find(({ attributes }) => attributes['Id'] === id)?.attributes['Target'] ?? '';
  const name = target.startsWith('/') ? target.slice(1) : `xl/${target}`;
  if (id === undefined || !book.entries.has(name)) throw new Error('a workbook without a sheet');
  return { name, startDay: Date.UTC(1899, 11, 30) / dayMs + (counts1904 ? 1_462 : 0) };
}

/** The texts that cells name by number. */
async function readSharedTexts(book: Workbook): Promise<readonly string[]> {
  const texts: string[] = [];
  let [text, characters] = ['', 0];
  let isText = false;
  await readElements(book, 'xl/sharedStrings.xml', {
    onTag: ({ name }) => {
      if (name === 'si') text = '';
      isText = name === 't';
    },
    onText: (part) => {
      if (!isText) return;
      text += part;
      characters += part.length;
      if (characters > mostSharedCharacters) throw badFile(book.path, 'expected a smaller workbook; save it as CSV');
    },
    onEnd: (name) => {
      isText = false;
      if (name === 'si') texts.push(text);
    },
  });
  return texts;
}

/** Whether a number with this style is a day or a time. */
async function readDayStyles(book: Workbook): Promise<(style: number) => boolean> {
  const formats = new Map<number, string>();
  const styles: number[] = [];
  let isInCells = false;
  for (const { name, attributes } of await elementsOf(book, 'xl/styles.xml')) {
    if (name === 'numFmt') formats.set(Number(attributes['numFmtId']), attributes['formatCode'] ?? '');
    if (name === 'cellXfs' || name === 'cellStyles') isInCells = name === 'cellXfs';
    if (name === 'xf' && isInCells) styles.push(Number(attributes['numFmtId'] ?? 0));
  }
  const isDayFormat = (id: number): boolean => {
    const format = formats.get(id);
    if (format !== undefined) return /[dmyhs]/i.test(format.replace(/"[^"]*"|\[[^\]]*\]|\\.|General/gi, ''));
    return (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) || (id >= 50 && id <= 58);
  };
  return (style) => isDayFormat(styles[style] ?? 0);
}

type Cell = { readonly type: string; readonly style: number; readonly value: string; readonly text: string };
type Values = {
  readonly texts: readonly string[];
  readonly isDay: (style: number) => boolean;
  readonly startDay: number;
};

function cellText({ type, style, value, text }: Cell, { texts, isDay, startDay }: Values): string {
  switch (type) {
    case 's':
      return written(texts[Number(value)] ?? '');
    case 'inlineStr':
      return written(text);
    case 'str':
      return written(value);
    case 'd':
      return written(value.slice(0, 10));
    // A title such as "True" becomes a truth value when it is typed into a sheet.
    case 'b':
      return value === '1' ? 'TRUE' : 'FALSE';
    case 'e':
      return '';
    default: {
      if (value.trim() === '') return '';
      const number = Number(value);
      if (!isDay(style) || !(number >= 1 && number < 2_958_466)) return String(number);
      // Before the 60th day, which is a 29 February that never was, numbers are one day ahead.
      return new Date((startDay + Math.floor(number) + (number < 60 ? 1 : 0)) * dayMs).toISOString().slice(0, 10);
    }
  }
}

/** Characters that XML cannot hold are written as `_x000D_`. */
function written(text: string): string {
  return text
    .replaceAll(/_x([\dA-F]{4})_/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .trim();
}

function createRowParser(textOf: (cell: Cell) => string): { readonly parse: Parse<SheetRow> } {
  let rows: SheetRow[] = [];
  let cells: string[] = [];
  let [line, column] = [0, 0];
  let cell = { type: '', style: 0, value: '', text: '' };
  let taken: 'value' | 'text' | null = null;
  const parser = parserOf({
    onTag: ({ name, attributes }) => {
      taken = name === 'v' ? 'value' : name === 't' ? 'text' : null;
      if (name === 'row') {
        line = Number(attributes['r'] ?? line + 1);
        [cells, column] = [[], 0];
      }
      if (name !== 'c') return;
      column = attributes['r'] === undefined ? column + 1 : columnOf(attributes['r']);
      cell = { type: attributes['t'] ?? 'n', style: Number(attributes['s'] ?? 0), value: '', text: '' };
    },
    onText: (text) => {
      if (taken !== null) cell[taken] += text;
    },
    onEnd: (name) => {
      taken = null;
      if (name === 'c' && column <= mostColumns) {
        while (cells.length < column - 1) cells.push('');
        cells[column - 1] = textOf(cell);
      }
      if (name === 'row') rows.push({ line, cells });
    },
  });
  return {
    parse: (text) => {
      parser.write(text);
      const found = rows;
      rows = [];
      return found;
    },
  };
}

/** The number of a column by the reference of its cell: 1 for `A7`, 28 for `AB7`. */
function columnOf(reference: string): number {
  let column = 0;
  for (const letter of /^[A-Z]{1,3}/.exec(reference)?.[0] ?? '') column = column * 26 + letter.charCodeAt(0) - 64;
  return column;
}
