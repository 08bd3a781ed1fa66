/** Markup that is safe to put into a page. Only `html` creates it. */
export type Html = { readonly markup: string };

/** What may be put into a template. */
type Renderable = Html | string | number | boolean | null | undefined | readonly Renderable[];

const made = new WeakSet<Html>();

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
  for (const [index, value] of values.entries()) markup += render(value) + (strings[index + 1] ?? '');
  const result = { markup };
  made.add(result);
  return result;
}

function render(value: Renderable): string {
  if (value === null || value === undefined || value === false) return '';
  if (isList(value)) return value.map(render).join('');
  if (typeof value === 'object') return made.has(value) ? value.markup : '';
  return String(value).replaceAll(/[&<>"']/g, (character) => escapes[character] ?? character);
}

function isList(value: Renderable): value is readonly Renderable[] {
  return Array.isArray(value);
}
