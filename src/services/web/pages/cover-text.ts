/** Lines of text and their font size, chosen to fit a box. */
export type FittedText = { readonly lines: readonly string[]; readonly size: number };

export type TextBox = {
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
  const words = text.split(/\s+/).filter((word) => word !== '');
  for (const size of box.sizes) {
    const lines = balance(words, box.width / size);
    const fits =
      lines.length * size * lineHeight <= box.height && lines.every((line) => widthOf(line) <= box.width / size);
    if (fits) return { lines, size };
  }
  const size = box.sizes.at(-1) ?? 12;
  const room = Math.max(1, Math.floor(box.height / (size * lineHeight)));
  return { lines: cut(wrap(words, box.width / size), room, box.width / size), size };
}

/** A title for a cover: without the series in brackets and, if it is long, without the subtitle. */
export function coverTitle(title: string): string {
  const withoutSeries = title.replace(/\s*[([][^)\]]*[)\]]\s*$/, '').trim() || title;
  const [main = ''] = withoutSeries.split(/\s*[:;]\s+|\s+[–—]\s+|\s+or,\s+/i);
  return withoutSeries.length > 32 && main.length >= 3 ? main.replace(/,$/, '') : withoutSeries;
}

/** As many lines as greedy breaking needs, but with the longest one as short as possible. */
function balance(words: readonly string[], maxWidth: number): string[] {
  let best = wrap(words, maxWidth);
  for (let width = maxWidth - 0.5; width > 2; width -= 0.5) {
    const lines = wrap(words, width);
    if (lines.length > best.length || lines.some((line) => widthOf(line) > width)) return best;
    best = lines;
  }
  return best;
}

function wrap(words: readonly string[], maxWidth: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && widthOf(longer) > maxWidth) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return line === '' ? lines : [...lines, line];
}

/** As many lines as fit. A line that is too long, and the last line when more follow, ends in "…". */
function cut(lines: readonly string[], room: number, maxWidth: number): string[] {
  return lines.slice(0, room).map((line, index) => {
    const isLast = index === room - 1 && lines.length > room;
    return isLast || widthOf(line) > maxWidth ? `${shorten(line, maxWidth - 1).trimEnd()}…` : line;
  });
}

function shorten(line: string, maxWidth: number): string {
  const characters = Array.from(line);
  while (characters.length > 1 && widthOf(characters.join('')) > maxWidth) characters.pop();
  return characters.join('');
}

/** In font sizes; a little more than common serifs need. */
function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

function characterWidth(character: string): number {
  if ((character.codePointAt(0) ?? 0) > 0x2e7f) return 1;
  if ("iljtfrI.,:;!|'’ ()[]".includes(character)) return 0.34;
  if ('mwMW—…'.includes(character)) return 0.9;
  return /\p{Lu}/u.test(character) ? 0.7 : 0.53;
}
