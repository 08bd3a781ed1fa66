/** Lines of text and their font size, chosen to fit a box. */
export type FittedText = { readonly lines: readonly string[]; readonly size: number };

type TextBox = {
  readonly width: number;
  readonly height: number;
  /** Tried in this order, largest first. */
  readonly sizes: readonly number[];
};

/** Distance of two base lines, in font sizes. */
export const lineHeight = 1.18;

/**
 * Sets the text at the largest size that fits the box, in lines of about equal length. Text that does not fit at the
 * smallest size is cut and ends in "…". Widths are estimates, since the reader's serif font is unknown.
 */
export function fitText(text: string, box: TextBox): FittedText {
  const words = text
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => ({ text: word, width: widthOf(word) }));
  for (const size of box.sizes) {
    const maxWidth = box.width / size;
    const lines = wrap(words, maxWidth);
    const fits = lines.length * size * lineHeight <= box.height && lines.every(({ width }) => width <= maxWidth);
    if (fits) return { lines: balance(words, lines, maxWidth).map((line) => line.text), size };
  }
  const size = box.sizes.at(-1) ?? 12;
  const room = Math.max(1, Math.floor(box.height / (size * lineHeight)));
  return { lines: cut(wrap(words, box.width / size), room, box.width / size), size };
}

/** A word or a line; `width` in font sizes. */
type Measured = { readonly text: string; readonly width: number };

/**
 * As many lines as `greedy` has, which are no longer than `maxWidth`, but with the longest one as short as possible.
 */
function balance(words: readonly Measured[], greedy: readonly Measured[], maxWidth: number): readonly Measured[] {
  let best = greedy;
  for (let most = maxWidth - 0.5; most > 2; most -= 0.5) {
    const lines = wrap(words, most);
    if (lines.length > best.length || lines.some(({ width }) => width > most)) return best;
    best = lines;
  }
  return best;
}

function wrap(words: readonly Measured[], maxWidth: number): readonly Measured[] {
  const lines: Measured[] = [];
  let line: Measured | null = null;
  for (const word of words) {
    const width: number = line === null ? word.width : line.width + spaceWidth + word.width;
    if (line !== null && width > maxWidth) {
      lines.push(line);
      line = word;
    } else {
      line = line === null ? word : { text: `${line.text} ${word.text}`, width };
    }
  }
  return line === null ? lines : [...lines, line];
}

/** As many lines as fit. A line that is too long, and the last line when more follow, ends in "…". */
function cut(lines: readonly Measured[], room: number, maxWidth: number): string[] {
  return lines.slice(0, room).map(({ text, width }, index) => {
    const isLast = index === room - 1 && lines.length > room;
    return isLast || width > maxWidth ? `${shorten(text, maxWidth - 1).trimEnd()}…` : text;
  });
}

function shorten(line: string, maxWidth: number): string {
  const characters = Array.from(line);
  while (characters.length > 1 && widthOf(characters.join('')) > maxWidth) characters.pop();
  return characters.join('');
}

/** The width in font sizes: a little more than common serif fonts need. */
function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

const spaceWidth = characterWidth(' ');

function characterWidth(character: string): number {
  if ((character.codePointAt(0) ?? 0) > 0x2e7f) return 1;
  if ("iljtfrI.,:;!|'’ ()[]".includes(character)) return 0.34;
  if ('mwMW—…'.includes(character)) return 0.9;
  return /\p{Lu}/u.test(character) ? 0.7 : 0.53;
}
