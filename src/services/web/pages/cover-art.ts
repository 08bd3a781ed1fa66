/** Colours of one binding. */
export type Binding = {
  readonly ground: string;
  /** A shade of the ground, for patterns. */
  readonly shade: string;
  /** What is printed straight on the ground. */
  readonly foil: string;
};

export const paper = '#f6eddb';
export const ink = '#2b1e16';
export const coverWidth = 200;
export const coverHeight = 300;

export const bindings: readonly Binding[] = [
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

/** A paper pattern: one path with how it is stroked, drawn over the whole cover. */
export type Pattern = { readonly d: string; readonly stroke: number; readonly dash?: string };

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
export const patterns: readonly Pattern[] = [
  { d: rows(14, (y, odd) => `M${odd ? -8 : 0} ${y}H208`), stroke: 4.5, dash: '0 16' },
  { d: rows(12, (y) => `M-10 ${y}q10-9 20 0${'t20 0'.repeat(10)}`), stroke: 2 },
  { d: lattice, stroke: 1.6 },
  { d: rows(13, (y, odd) => `M${odd ? -13 : 0} ${y}${'a13 13 0 0 0 26 0'.repeat(9)}`), stroke: 1.8 },
  { d: columns(20, (x) => `M${x + 4} 0V300m5 0V0`), stroke: 2.4 },
  { d: rows(15, (y) => `M-5 ${y}${'l12 12 12-12'.repeat(9)}`), stroke: 3 },
  { d: rows(27, (y, odd) => `M${odd ? -14 : 4} ${y}${'q8-11 17-9q1 9-17 9m33 0'.repeat(7)}`), stroke: 1.8 },
  { d: `${rows(20, (y) => `M-3 ${y + 4}H208`)}${columns(20, (x) => `M${x} 1V300`)}`, stroke: 2, dash: '6 14' },
];

/** Large shapes for plain covers, drawn in shade and foil; each stands in the lower two fifths. */
export const motifs: readonly ((binding: Binding) => readonly { d: string; fill: string }[])[] = [
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
