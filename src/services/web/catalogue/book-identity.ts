import type { BookContent } from './catalogue.ts';

/**
 * What two lists of books are compared by when neither id nor ISBN helps: title, first author and year, without case,
 * marks, punctuation and a leading article. Stored with every book: another normalisation needs a migration.
 */
export function titleKey(book: Partial<BookContent> & { readonly title: string }): string {
  const title = words(book.title).replace(/^(?:the|an?) (?=.)/, '') || book.title.trim().toLowerCase();
  const author = words(firstAuthor(book.author ?? '')).replaceAll(' ', '');
  const year = /^-?\d+/.exec(book.published_at ?? '')?.[0] ?? '';
  return `${title}|${author}|${year === '' ? '' : Number(year)}`;
}

function firstAuthor(author: string): string {
  return author.split(/[,;&|/]|\s(?:and|with)\s/i, 1)[0] ?? '';
}

function words(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/['’\p{M}]/gu, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}
