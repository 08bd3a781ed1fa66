/** Marks what `html` created. No value from outside can have it. */
const made = Symbol('markup');

/** Markup that is safe to put into a page. Only `html` creates it. */
export type Html = { readonly markup: string; readonly [made]: true };

/** What may be put into a template. */
type Renderable = Html | string | number | boolean | null | undefined | readonly Renderable[];

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * A template for markup. Values are escaped, except markup from this function. Lists are joined. `null`, `undefined`
 * and `false` become empty text, so that `condition && html\`…\`` works.
 */
export function html(strings: TemplateStringsArray, ...values: readonly Renderable[]): Html {
  let markup = strings[0] ?? '';
  for (let index = 0; index < values.length; index++) markup += render(values[index]) + strings[index + 1]!;
  return { markup, [made]: true };
}

function render(value: Renderable): string {
  if (value === null || value === undefined || value === false) return '';
  if (isList(value)) return value.map(render).join('');
  if (typeof value === 'object') return made in value ? value.markup : '';
  return String(value).replaceAll(/[&<>"']/g, (character) => escapes[character] ?? character);
}

function isList(value: Renderable): value is readonly Renderable[] {
  return Array.isArray(value);
}
