/** Limits of a book's fields, for the API and for imports. */
export const bookLimits = {
  titleLength: 500,
  authorLength: 300,
  descriptionLength: 20_000,
  seriesLength: 200,
  subjects: 20,
  subjectLength: 80,
  otherTitles: 20,
  popularity: 1_000_000_000_000,
} as const;

/** One line of text in Unicode's composed form (NFC). Control characters and runs of white space become one space. */
export function oneLine(text: string): string {
  if (text.length < 200 && plainLine.test(text)) return text;
  return text
    .toWellFormed()
    .normalize('NFC')
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim();
}

const plainLine = /^[!-~]+(?: [!-~]+)*$/;

/** Text that may have paragraphs: control characters other than line breaks become spaces. */
export function paragraphs(text: string): string {
  return text
    .toWellFormed()
    .normalize('NFC')
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/[^\n\P{Cc}]+/gu, ' ')
    .trim();
}

/** Cuts a text to `length` UTF-16 units, ellipsis included, never inside a character. */
export function cutTo(text: string, length: number): string {
  if (text.length <= length) return text;
  return `${text
    .slice(0, length - 1)
    .replace(/[\uD800-\uDBFF]$/, '')
    .trimEnd()}…`;
}

/**
 * `YYYY`, `YYYY-MM` or `YYYY-MM-DD`; the day must exist in the calendar. A year alone may be shorter or negative, and
 * is returned without leading zeros. `null` for anything else.
 */
export function toPublishedAt(text: string): string | null {
  const [, sign, year, month, day] = /^(-?)(\d{1,4})(?:-(\d\d)(?:-(\d\d))?)?$/.exec(text) ?? [];
  if (year === undefined || Number(year) === 0) return null;
  if (month === undefined) return `${sign}${Number(year)}`;
  if (year.length < 4 || Number(month) < 1 || Number(month) > 12) return null;
  if (day !== undefined && (Number(day) < 1 || Number(day) > daysIn(Number(year), Number(month)))) return null;
  return text;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** A BCP 47 tag in its canonical form (`eng` → `en`, `fre` → `fr`); `null` for anything else. */
export function toLanguage(text: string): string | null {
  if (!/^[a-z]{2,3}(?:[-_][a-z0-9]{2,8}){0,3}$/i.test(text)) return null;
  try {
    return Intl.getCanonicalLocales(text.replaceAll('_', '-'))[0] ?? null;
  } catch {
    return null;
  }
}
