import { html, type Html } from './html.ts';
import { bindings, coverHeight, coverWidth, ink, motifs, paper, patterns, type Binding } from './cover-art.ts';
import { coverTitle, fitText, lineHeight, type FittedText } from './cover-text.ts';

const middle = coverWidth / 2;

/**
 * Draws a cover from title and author alone, so that the same book always looks the same and no picture is fetched. 200
 * by 300 units, without ids and styles, so that it can appear many times on one page. Hidden from screen readers, which
 * read the title beside it.
 */
export function drawCover(book: { readonly title: string; readonly author: string }): Html {
  const choose = createChoice(`${book.title}\n${book.author}`);
  const binding = choose(bindings);
  const layout = choose([drawLabelled, drawLabelled, drawBanded, drawCloth, drawPlain]);
  return html`<svg class="cover" viewBox="0 0 ${coverWidth} ${coverHeight}" aria-hidden="true" focusable="false">
    <path fill="${binding.ground}" d="M0 0H200V300H0z" />
    ${layout(coverTitle(book.title), book.author, binding, choose)}
    <path fill="#000" opacity=".16" d="M0 0h5v300H0zM8 0h1.2v300H8z" />
  </svg>`;
}

/** Picks one item of a list, the same for the same book. */
type Choose = <Item>(items: readonly Item[]) => Item;

type DrawLayout = (title: string, author: string, binding: Binding, choose: Choose) => Html;

/** Patterned paper with a printed label pasted on, like the pocket libraries of Kafka's own years. */
const drawLabelled: DrawLayout = (title, author, binding, choose) => {
  const fitted = fitText(title, { width: 134, height: 110, sizes: [30, 26, 23, 20, 17, 15, 13] });
  const writer = fitText(author, { width: 134, height: 32, sizes: [13.5, 12, 10.5] });
  const height = blockHeight(fitted) + blockHeight(writer) + 48;
  const top = 44;
  const bottom = top + height;
  const authorTop = bottom - 16 - blockHeight(writer);
  return html`${drawPattern(binding, choose)}<path fill="${paper}" d="M22 ${top}H178V${bottom}H22z" /><path
      fill="none"
      stroke="${binding.ground}"
      stroke-width="1.4"
      d="M27 ${top + 5}H173V${bottom - 5}H27z"
    />${drawText(fitted, top + 16, ink)}<path
      stroke="${binding.ground}"
      d="M88 ${authorTop - 7}h24"
    />${drawText(writer, authorTop, ink)}`;
};

/** Three bands: colour, paper with the title, colour. */
const drawBanded: DrawLayout = (title, author, binding, choose) => {
  const fitted = fitText(title, { width: 164, height: 104, sizes: [30, 26, 23, 20, 17, 15, 13] });
  const writer = fitText(author, { width: 160, height: 30, sizes: [14, 12.5, 11] });
  return html`${drawPattern(binding, choose)}<path fill="${paper}" d="M0 84H200V216H0z" /><path
      fill="none"
      stroke="${binding.ground}"
      stroke-width="1.5"
      d="M0 88.5H200M0 211.5H200"
    />${drawText(fitted, 150 - blockHeight(fitted) / 2, ink)}<path
      fill="${binding.ground}"
      d="M0 238H200V286H0z"
    />${drawText(writer, 262 - blockHeight(writer) / 2, binding.foil)}`;
};

/** Cloth with a stamped frame. */
const drawCloth: DrawLayout = (title, author, { foil, shade }) => {
  const fitted = fitText(title, { width: 142, height: 120, sizes: [28, 25, 22, 19, 17, 15, 13] });
  const writer = fitText(author, { width: 142, height: 30, sizes: [14, 12.5, 11] });
  return html`<path fill="none" stroke="${foil}" stroke-width="2" d="M18 16H186V284H18z" /><path
      fill="none"
      stroke="${foil}"
      stroke-width=".8"
      d="M23 21H181V279H23z"
    />${drawText(fitted, 46, foil)}<path
      fill="${shade}"
      stroke="${foil}"
      d="M102 188l14 14-14 14-14-14zM74 202h14m28 0h14"
    />${drawText(writer, 262 - blockHeight(writer), foil, middle + 2)}`;
};

/** A plain ground with one large shape at the foot. */
const drawPlain: DrawLayout = (title, author, binding, choose) => {
  const fitted = fitText(title, { width: 160, height: 104, sizes: [32, 28, 25, 22, 19, 16, 13] });
  const writer = fitText(author, { width: 160, height: 28, sizes: [14, 12.5, 11] });
  const shapes = choose(motifs)(binding);
  return html`${shapes.map(({ d, fill }) => html`<path fill="${fill}" d="${d}" />`)}${drawText(writer, 22, binding.foil)}<path
      stroke="${binding.foil}"
      d="M86 ${30 + blockHeight(writer)}h28"
    />${drawText(fitted, 40 + blockHeight(writer), binding.foil)}`;
};

function drawPattern(binding: Binding, choose: Choose): Html {
  const pattern = choose(patterns);
  return html`<path
    fill="none"
    stroke="${binding.shade}"
    stroke-width="${pattern.stroke}"
    stroke-linecap="round"
    stroke-dasharray="${pattern.dash ?? 'none'}"
    d="${pattern.d}"
  />`;
}

function blockHeight(text: FittedText): number {
  return Math.round(text.lines.length * text.size * lineHeight);
}

/** Centred lines; `top` is the upper edge of the block. */
function drawText(text: FittedText, top: number, fill: string, x: number = middle): Html {
  const firstBaseLine = Math.round(top + text.size * 0.9);
  const step = Math.round(text.size * lineHeight * 10) / 10;
  return html`<text fill="${fill}" font-size="${text.size}" text-anchor="middle" y="${firstBaseLine}"
    >${text.lines.map((line, index) => html`<tspan x="${x}" dy="${index === 0 ? 0 : step}">${line}</tspan>`)}</text
  >`;
}

/** FNV-1a over UTF-16 code units; every choice then mixes the bits again (the finalizer of MurmurHash3). */
function createChoice(text: string): Choose {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (items) => {
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
    return items[(hash >>> 0) % items.length]!;
  };
}
