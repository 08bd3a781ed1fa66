import { authorKey, splitAuthors } from '../../../text/authors.ts';
import { identityKey } from '../../../text/keys.ts';
import type { BookContent } from './catalogue.ts';

/** Raise it with every change to `titleKey`: catalogues then bring their stored keys up to date before an import. */
export const titleKeyVersion = 2;

/**
 * What two lists of books are compared by when neither id nor ISBN helps: title without its leading article, first
 * author and year, at the level of identity. Stored with every book.
 */
export function titleKey(book: Partial<BookContent> & { readonly title: string }): string {
  const title = identityKey(book.title).replace(/^(?:the|an?) (?=.)/, '');
  const author = authorKey(splitAuthors(book.author ?? '')[0] ?? '').replaceAll(' ', '');
  const year = /^-?\d+/.exec(book.published_at ?? '')?.[0] ?? '';
  return `${title}|${author}|${year === '' ? '' : Number(year)}`;
}
