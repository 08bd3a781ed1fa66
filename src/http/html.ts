/** Text that is safe to stand in a page as it is; only `html` makes it. */
export type Html = { readonly markup: string };

/** What may be put into a template. */
export type Renderable = Html | string | number | boolean | null | undefined | readonly Renderable[];

const made = new WeakSet<Html>();

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * A template for markup. Whatever is put in is escaped, unless this function made it; lists are put in one after the
 * other; `null`, `undefined` and `false` are nothing, so that `condition && html\`…\`` reads well.
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
