import { hashText } from '../../../runtime/hash-text.ts';
import { fitText, lineHeight, type FittedText } from './fit-text.ts';
import { html, type Html } from './html.ts';

const coverWidth = 200;
const coverHeight = 300;
const middle = coverWidth / 2;

/**
 * Draws a cover from title and author alone: the same book always looks the same, and no picture is fetched. It is 200
 * by 300 units and has no ids or styles, so it can appear many times on one page. It is hidden from screen readers,
 * which read the title beside it.
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

/** Picks one item of a list; always the same one for the same book. */
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
  let hash = hashText(text);
  return (items) => {
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
    return items[(hash >>> 0) % items.length]!;
  };
}

/** Colours of one binding. */
type Binding = {
  readonly ground: string;
  /** A shade of the ground, for patterns. */
  readonly shade: string;
  /** The colour of what is printed directly on the ground. */
  readonly foil: string;
};

const paper = '#f6eddb';
const ink = '#2b1e16';

const bindings: readonly Binding[] = [
  { ground: '#6b1f22', shade: '#9c4a40', foil: '#e9cd8f' },
  { ground: '#1e473b', shade: '#3f7a66', foil: '#e6cf97' },
  { ground: '#1f3656', shade: '#456a99', foil: '#ead7a6' },
  { ground: '#b98230', shade: '#dbb274', foil: '#33200f' },
  { ground: '#4a2344', shade: '#82527a', foil: '#ecd2a8' },
  { ground: '#165059', shade: '#3d8791', foil: '#f0dcae' },
  { ground: '#a5482c', shade: '#cd8163', foil: '#fbeacb' },
  { ground: '#414a55', shade: '#717d8a', foil: '#eddcb5' },
  { ground: '#565f2c', shade: '#8b945a', foil: '#f3e3b3' },
  { ground: '#9c4a58', shade: '#c5868f', foil: '#fdeeda' },
  { ground: '#23253f', shade: '#565b8a', foil: '#e2c78b' },
  { ground: '#cbb088', shade: '#a88655', foil: '#4a2417' },
];

/** A paper pattern: one path and its stroke, drawn over the whole cover. */
type Pattern = { readonly d: string; readonly stroke: number; readonly dash?: string };

const rows = (step: number, draw: (y: number, odd: boolean) => string): string => {
  let path = '';
  for (let row = 0; row * step <= coverHeight + step; row++) path += draw(row * step, row % 2 === 1);
  return path;
};

const columns = (step: number, draw: (x: number) => string): string => {
  let path = '';
  for (let x = 0; x <= coverWidth; x += step) path += draw(x);
  return path;
};

/** Lines of both slopes, 28 apart. */
const lattice = Array.from({ length: 19 }, (_, line) => `M${line * 28 - 300} 0l300 300m0-300l-300 300`).join('');

/** The printed papers of old pocket libraries: dots, waves, lattice, scales, stripes, herringbone, leaves, crosses. */
const patterns: readonly Pattern[] = [
  { d: rows(14, (y, odd) => `M${odd ? -8 : 0} ${y}H208`), stroke: 4.5, dash: '0 16' },
  { d: rows(12, (y) => `M-10 ${y}q10-9 20 0${'t20 0'.repeat(10)}`), stroke: 2 },
  { d: lattice, stroke: 1.6 },
  { d: rows(13, (y, odd) => `M${odd ? -13 : 0} ${y}${'a13 13 0 0 0 26 0'.repeat(9)}`), stroke: 1.8 },
  { d: columns(20, (x) => `M${x + 4} 0V300m5 0V0`), stroke: 2.4 },
  { d: rows(15, (y) => `M-5 ${y}${'l12 12 12-12'.repeat(9)}`), stroke: 3 },
  { d: rows(27, (y, odd) => `M${odd ? -14 : 4} ${y}${'q8-11 17-9q1 9-17 9m33 0'.repeat(7)}`), stroke: 1.8 },
  { d: `${rows(20, (y) => `M-3 ${y + 4}H208`)}${columns(20, (x) => `M${x} 1V300`)}`, stroke: 2, dash: '6 14' },
];

/** Large shapes for plain covers, drawn in shade and foil in the lower two fifths. */
const motifs: readonly ((binding: Binding) => readonly { d: string; fill: string }[])[] = [
  ({ shade, foil }) => [
    { d: 'M0 300V232q50-34 100 0t100 0V300z', fill: shade },
    { d: 'M128 190a26 26 0 1 0 52 0a26 26 0 1 0-52 0', fill: foil },
  ],
  ({ shade, foil }) => [
    { d: 'M116 300V172h62V300z', fill: shade },
    { d: 'M116 300V172l40 14V300z', fill: foil },
  ],
  ({ shade, foil }) => [
    { d: 'M20 300A80 80 0 0 1 180 300z', fill: shade },
    { d: 'M48 300A52 52 0 0 1 152 300z', fill: foil },
    { d: 'M76 300A24 24 0 0 1 124 300z', fill: shade },
  ],
  ({ shade, foil }) => [
    { d: 'M0 300L70 190L140 300z', fill: shade },
    { d: 'M84 300L142 214L200 300z', fill: foil },
  ],
  ({ shade, foil }) => [
    { d: 'M100 296C40 262 40 214 100 172C160 214 160 262 100 296z', fill: shade },
    { d: 'M98.5 300V196h3V300z', fill: foil },
  ],
];

/** A title for a cover: without the series in brackets and, if it is long, without the subtitle. */
export function coverTitle(title: string): string {
  const withoutSeries = title.replace(/\s*[([][^)\]]*[)\]]\s*$/, '').trim() || title;
  const [main = ''] = withoutSeries.split(/\s*[:;]\s+|\s+[–—]\s+|\s+or,\s+/i);
  return withoutSeries.length > 32 && main.length >= 3 ? main.replace(/,$/, '') : withoutSeries;
}
