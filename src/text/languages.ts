const named =
  'af ar bg bn ca cs cy da de el en es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja ka kn ko la lt lv mk ml mr ms nl no pa pl pt ro ru sa sk sl sq sr sv ta te th tl tr uk ur vi yi zh';
let byName: ReadonlyMap<string, string> | null = null;

/**
 * The language of a tag or name, without region and script: `en` for “eng”, “en-GB” and “English”, `de` for “Deutsch”.
 * What is neither is given back in lower case.
 */
export function languageOf(text: string): string {
  const name = text.trim().toLowerCase();
  byName ??= languageNames();
  const known = byName.get(name);
  if (known !== undefined) return known;
  try {
    return new Intl.Locale(name.replaceAll('_', '-')).language;
  } catch {
    return name;
  }
}

function languageNames(): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const english = new Intl.DisplayNames('en', { type: 'language' });
  for (const tag of named.split(' ')) {
    const own = new Intl.DisplayNames(tag, { type: 'language' });
    for (const name of [own.of(tag), english.of(tag)]) if (name !== undefined) names.set(name.toLowerCase(), tag);
  }
  return names;
}
